/*
 * How the sound engine's library is built for this box (pjproject calls this file config_site.h).
 *
 * The limits come first because upstream's defaults stop at four calls. They cost memory only: a call slot is
 * about 10 kB whether it is used or not, so 128 of them are 1.3 MB.
 */
#ifndef QENDRA_CONFIG_SITE_H
#define QENDRA_CONFIG_SITE_H

/* Call legs. A conversation through the box is two: 128 legs are 64 conversations, or 30 and a full queue. */
#define PJSUA_MAX_CALLS         128
#define PJSUA_MAX_ACC           64
#define PJSUA_MAX_BUDDIES       16

/* Sound: a caller in the queue has a player; a recorded conversation has two recorders; modems, the headset and
 * tones take bridge ports of their own. */
#define PJSUA_MAX_PLAYERS       256
#define PJSUA_MAX_RECORDERS     256
#define PJSUA_MAX_CONF_PORTS    512

/* Each leg holds two sockets (RTP and RTCP). With epoll this is a table size, not a cost per poll. */
#define PJ_IOQUEUE_MAX_HANDLES  1024

/* A phone behind several proxies, with video and ICE in its offer, sends more than the default 4000 bytes. */
#define PJSIP_MAX_PKT_LEN       8000
#define PJSIP_MAX_TSX_COUNT     4095
#define PJSIP_MAX_DIALOG_COUNT  1023

/* Telephones and providers may be on IPv6. */
#define PJ_HAS_IPV6             1

/* The engine is told addresses, and looks up no names: not the box's own either, for which the library would ask
 * the DNS at every call. What the linker wraps (see `build`) makes sure of the rest. */
#define PJ_GETHOSTIP_DISABLE_LOCAL_RESOLUTION 1

/* Telephones here are for the ear. */
#define PJMEDIA_HAS_VIDEO       0

/* Voice protection: keys in the SDP (desk phones) and by DTLS (browsers). */
#define PJMEDIA_HAS_SRTP        1
#define PJMEDIA_SRTP_HAS_SDES   1
#define PJMEDIA_SRTP_HAS_DTLS   1

/* The libraries that the recipe configures out are out in the headers as well. */
#define PJMEDIA_HAS_ILBC_CODEC  0
#define PJMEDIA_HAS_G7221_CODEC 0
#define PJMEDIA_HAS_L16_CODEC   1

/* Level 5 exists in the binary; which level is written is the engine's choice at run time. */
#define PJ_LOG_MAX_LEVEL        5

#endif
