// What the pages do by themselves. Without this file every page still works; it only has to be loaded anew by hand.
(function () {
  "use strict";

  const $ = (selector, root) => (root || document).querySelector(selector);
  const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));

  // --- light or dark ------------------------------------------------------------------------------------------

  $("#light-switch")?.addEventListener("click", () => {
    const page = document.documentElement;
    page.dataset.bsTheme = page.dataset.bsTheme === "dark" ? "light" : "dark";
    try { localStorage.setItem("light", page.dataset.bsTheme); } catch { /* then it holds for this page */ }
  });

  // --- the menu on a narrow screen ----------------------------------------------------------------------------

  const menuButton = $("#menu-button");
  const ways = $("#ways");
  function openMenu(open) {
    ways.classList.toggle("is-open", open);
    menuButton.setAttribute("aria-expanded", String(open));
  }
  menuButton?.addEventListener("click", () => openMenu(!ways.classList.contains("is-open")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (ways?.classList.contains("is-open")) { openMenu(false); menuButton.focus(); }
    $$("details.more[open], details.sure[open]").forEach((box) => { box.open = false; $("summary", box).focus(); });
  });
  document.addEventListener("click", (event) => {
    $$("details.more[open], details.sure[open]").forEach((box) => { if (!box.contains(event.target)) box.open = false; });
  });

  // --- words that come and go ---------------------------------------------------------------------------------

  function tell(words, kind) {
    const toast = document.createElement("p");
    toast.className = "toast-words toast-" + kind;
    toast.textContent = words;
    $("#toasts").append(toast);
    setTimeout(() => toast.remove(), kind === "fault" ? 8000 : 3500);
  }

  // --- times that count up: "waiting 0:42" --------------------------------------------------------------------

  let ahead = 0; // seconds the box's clock is ahead of this browser's
  const two = (number) => String(number).padStart(2, "0");
  function lasted(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  }
  function count() {
    const now = Date.now() / 1000 + ahead;
    $$("time.counting").forEach((time) => {
      const words = lasted(now - Number(time.dataset.since));
      if (time.textContent !== words) time.textContent = words;
    });
  }

  // --- the live page: one stream of pieces --------------------------------------------------------------------

  const live = $("[data-live]");
  const keep = {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: {
      // What the reader has unfolded stays unfolded.
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
    },
  };
  function show(office) {
    ahead = office.now - Date.now() / 1000;
    for (const [name, html] of Object.entries(office.pieces)) {
      $$("#piece-" + name).forEach((piece) => window.Idiomorph.morph(piece, html, keep));
    }
    count();
    reached(true);
  }
  let lastSeen = Date.now();
  function reached(yes) {
    if (yes) lastSeen = Date.now();
    const offline = $("#offline");
    if (offline) offline.hidden = yes || Date.now() - lastSeen < 4000;
  }

  let stream = null, looking = null;
  function listen() {
    if (stream || document.hidden) return;
    clearTimeout(looking);
    stream = new EventSource(live.dataset.live);
    stream.addEventListener("office", (event) => show(JSON.parse(event.data)));
    stream.addEventListener("over", () => location.reload());
    stream.addEventListener("open", () => reached(true));
    stream.addEventListener("error", () => {
      reached(false);
      if (stream && stream.readyState === EventSource.CLOSED) { hush(); look(); }
    });
  }
  function hush() {
    stream?.close();
    stream = null;
  }
  // Too many streams are open, or the box is away: look every few seconds, and try a stream again after a while.
  let looks = 0;
  async function look() {
    try {
      const answer = await fetch(live.dataset.look, { headers: { "X-Qendra": "quiet" } });
      if (answer.status === 401) return location.reload();
      if (answer.ok) show(await answer.json()); else reached(false);
    } catch { reached(false); }
    looks += 1;
    looking = setTimeout(looks % 6 ? look : listen, 3000);
  }
  if (live) {
    ahead = Number(live.dataset.now) - Date.now() / 1000;
    listen();
    let away = null;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(away);
      // A page nobody looks at gives its stream back after a minute.
      if (document.hidden) away = setTimeout(() => { hush(); clearTimeout(looking); }, 60000);
      else listen();
    });
    window.addEventListener("pagehide", hush);
    window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  }
  if ($("time.counting") || live) { count(); setInterval(() => { count(); if (live) reached(stream?.readyState === EventSource.OPEN); }, 1000); }

  // --- buttons that act where they are ------------------------------------------------------------------------

  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("[data-quiet]") || !button) return;
    event.preventDefault();
    const box = button.closest("details.more");
    if (box) box.open = false;
    const body = new FormData(form, button); // before it is disabled: then it would say nothing
    button.disabled = true;
    try {
      const answer = await fetch(button.formAction, { method: "POST", body, headers: { "X-Qendra": "quiet" } });
      if (answer.status === 200 || answer.status === 409) {
        tell((await answer.json()).words, answer.ok ? "done" : "fault");
      } else location.reload();
    } catch { reached(false); }
    button.disabled = false;
  });

  // --- search while typing ------------------------------------------------------------------------------------

  const search = $("[data-search]");
  if (search) {
    const results = document.getElementById(search.dataset.search);
    let pause = null, asked = 0;
    async function find() {
      const fields = new URLSearchParams(Array.from(new FormData(search)).filter(([, value]) => value));
      const address = location.pathname + (fields.size ? "?" + fields : "");
      const mine = ++asked;
      try {
        const answer = await fetch(address);
        if (!answer.ok || answer.redirected) return location.assign(address);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (mine !== asked) return;
        results.replaceChildren(...document.importNode($("#" + results.id, page), true).childNodes);
        history.replaceState(null, "", address);
      } catch { location.assign(address); }
    }
    search.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(find, 300); });
    search.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(pause); find(); });
  }

  // --- hearing a text before it is saved ----------------------------------------------------------------------

  let voice = null;
  $$("[data-listen]").forEach((texts) => texts.addEventListener("click", async (event) => {
    const button = event.target.closest("button[name=listen]");
    if (!button) return;
    event.preventDefault();
    const body = new FormData(button.form, button);
    button.disabled = true;
    try {
      const answer = await fetch(button.formAction, { method: "POST", body });
      if (!answer.ok) return tell(answer.headers.get("Content-Type").startsWith("text/plain") ? await answer.text() : answer.statusText, "fault");
      voice?.pause();
      voice = new Audio(URL.createObjectURL(await answer.blob()));
      await voice.play();
    } catch (error) { tell(error.message, "fault"); } finally { button.disabled = false; }
  }));

  // --- rows that can be added and taken away ------------------------------------------------------------------

  $$("[data-add-row], [data-drop-row], [data-copy-monday]").forEach((button) => { button.hidden = false; });
  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add-row]");
    if (add) return addRow(document.getElementById(add.dataset.addRow));
    const drop = event.target.closest("[data-drop-row]");
    if (drop) dropRow(drop.closest("li"));
    if (event.target.closest("[data-copy-monday]")) copyMonday();
  });
  function addRow(list) {
    const last = list.lastElementChild, row = last.cloneNode(true);
    const next = 1 + Math.max(...$$("[name]", list).map((field) => Number(/-s?(\d+)/.exec(field.name)[1])));
    $$("[id], [for], [name]", row).forEach((node) => {
      for (const name of ["id", "for", "name"]) {
        if (node.hasAttribute(name)) node.setAttribute(name, node.getAttribute(name).replace(/-(s?)\d+/, `-$1${next}`));
      }
    });
    $$(".fault", row).forEach((fault) => fault.remove());
    $$("input, select", row).forEach((field) => { field.classList.remove("is-invalid"); field.value = ""; if (field.tagName === "SELECT") field.selectedIndex = 0; });
    list.append(row);
    $("input, select", row).focus();
  }
  function dropRow(row) {
    const list = row.parentElement;
    if (list.children.length === 1) addRow(list);
    const onward = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    $("input, select", onward)?.focus();
  }
  function copyMonday() {
    const [monday, ...others] = $$("#days .day-row");
    others.slice(0, 4).forEach((day) => $$("input", day).forEach((field, index) => { field.value = $$("input", monday)[index]?.value || ""; }));
  }

  // --- the player: the picture of the sound follows it, and a press on the picture jumps there ------------------

  $$("[data-player]").forEach((player) => {
    const audio = $("audio", player), picture = $("[data-wave] svg", player);
    if (!picture) return;
    const width = picture.viewBox.baseVal.width;
    const played = $(".wave-played", picture), now = $(".wave-now", picture);
    function follow() {
      const x = audio.duration ? audio.currentTime / audio.duration * width : 0;
      played.setAttribute("width", x);
      now.setAttribute("x1", x);
      now.setAttribute("x2", x);
      if (!audio.paused) requestAnimationFrame(follow);
    }
    ["play", "seeked", "timeupdate", "pause"].forEach((name) => audio.addEventListener(name, follow));
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      if (audio.duration) audio.currentTime = (event.clientX - box.left) / box.width * audio.duration;
      follow();
    });
  });

  // --- copying a password -------------------------------------------------------------------------------------

  $$("[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return; // only over https or on the box itself
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      tell(button.dataset.copied, "done");
    });
  });
})();
