"""Set-up: from a clean clone to a box that can start.

In: the lock files, the recipe of pjsua2, the catalogs of sentences.
Out: Debian packages, `.qendra/venv` with everything in it, `webui/static/vendor`, compiled catalogs.
Touches: the network, apt, this folder. The standard library only, as it runs before there is anything else.
"""
