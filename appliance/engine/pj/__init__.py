"""The one door to pjsua2: a typed skin that makes its crashes impossible instead of warning of them.

In: method calls on the engine thread.  Out: happenings, noted in order and read after the library has returned.
Touches: pjsua2, and through it SIP and RTP sockets, sound files, the sound clock's thread.

How the rules of the library are kept by shape (none of its objects ever leaves this package):

* A `Dialog` owns its call and drops it inside the call's own DISCONNECTED, nowhere else, also after a refusal.
* Callbacks note what happened and return, so nothing nests. Decided inside one is only what could not be later: our SDP,
  whom the sound's ports admit, and that an offer within a call is refused.
* A provider's account is let go of when it is out of use and its last call is over, never within a callback.
* The library's handle for a call's sound is fetched for each use and never kept.
* `SoundPort`s come from a pool and are given back to it, never destroyed.
* A `Player` that has been retired is kept until the bridge has let go of it and its last event is over.
* A transfer or a takeover that a telephone asks for is always answered.
"""
