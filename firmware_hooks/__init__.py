"""What is wired to the pins of the board: busy lamps, a buzzer, the hook switch of a headset.

In: ShowLamp, ShowEncrypted, Buzz.  Out: HookLifted, HookReplaced, HookStuck; which lamp shows what, for the page.
Touches: GPIO through gpiozero, whose only home this is; on a machine without pins nothing at all.
"""
