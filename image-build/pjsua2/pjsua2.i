// What SWIG reads in place of pjproject's own pjsua2.i, which it includes whole.
//
// Every wrapped call lets go of Python's lock (`swig -threads`), as a call into the library may wait for its
// other threads. These two helpers touch Python objects, so they must keep it: upstream forgets to say so,
// and a reference count is then changed beside another thread's.
%module(directors="1") pjsua2

%feature("nothread") std::vector<unsigned char>::assign_from_bytes;
%feature("nothread") std::vector<unsigned char>::copy_to_bytearray;

%include "../pjsua2.i"
