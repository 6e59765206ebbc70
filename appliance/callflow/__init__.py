"""What a caller hears, and where the call goes next: hours, menus, announcements.

In: the flow as the owner drew it, keys, ends of prompts, time.  Out: steps (speak, queue, ring a phone, hang up).
Touches: nothing; time is an argument.
"""
