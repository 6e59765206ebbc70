// What SWIG reads in place of pjproject's own pjsua2.i, which it includes whole.
//
// Every wrapped call lets go of Python's lock (`swig -threads`), as a call into the library may wait for its
// other threads. These two helpers touch Python objects, so they must keep it: upstream forgets to say so,
// and a reference count is then changed beside another thread's.
%module(directors="1") pjsua2

%feature("nothread") std::vector<unsigned char>::assign_from_bytes;
%feature("nothread") std::vector<unsigned char>::copy_to_bytearray;

// A host name where an address should be, in a telephone's SDP say, would otherwise stop all calls until the DNS
// has answered, or for as long as it does not. `build` has the linker put these in the place of the system's.
%header %{
#include <netdb.h>

extern "C" int __real_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);

extern "C" int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                  struct addrinfo **found)
{
    struct addrinfo numeric = {};
    if (hints)
        numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return __real_getaddrinfo(node, service, &numeric, found);
}

extern "C" struct hostent *__wrap_gethostbyname(const char *)
{
    h_errno = HOST_NOT_FOUND;
    return nullptr;
}
%}

%include "../pjsua2.i"
