/* The stream that source and sink agree on: H.264 in RTP in interleaved frames (RFC 2326 section 10.12, RFC 6184).
 *
 * Every packet is a function of (stream, index) and of the moment at which it was made, so that a sink can check each
 * byte of it. A frame is one small packet (the frame's mark as SEI; before it SPS and PPS when it is a key frame) and
 * `fragments` packets FU-A of `payload` bytes of RTP payload each. The mark is that of proxyd.simulator.frames. */
#ifndef STREAM_H
#define STREAM_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    INTERLEAVED = 4,
    RTP = 12,
    FU = 2,
    META = 8 + 4 + 8, /* made at (ns, CLOCK_MONOTONIC), stream, index; as this machine writes them */
    KEY_EVERY = 50,   /* frames */
    CLOCK_PER_FRAME = 3600,
    MAX_PACKET = 4096,
    PATTERN = 1 << 16,
};

struct shape {
    unsigned fragments, payload;
};

static uint8_t pattern[PATTERN + MAX_PACKET];

static const uint8_t parameter_sets[] = {0, 9,    0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4, /* 1280×720 */
                                         0, 4,    0x68, 0xce, 0x38, 0x80};
static const uint8_t mark_head[] = {0x06, 5,    35,   0x6f, 0x6e, 0x76, 0x69, 0x66, 0x74, 0x75,
                                    0x69, 0x2d, 0x73, 0x69, 0x6d, 0x2d, 0x6d, 0x61, 0x72};
enum { MARK = sizeof mark_head + 19 + 1 };

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void make_pattern(void) {
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < sizeof pattern; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17; /* xorshift64 */
        pattern[i] = (uint8_t)(x >> 32);
    }
}

static inline const uint8_t *pattern_of(uint32_t stream, uint64_t index) {
    return pattern + ((stream * 7919u + index * 104729u) & (PATTERN - 1));
}

static inline uint64_t frame_of(const struct shape *s, uint64_t index) { return index / (s->fragments + 1); }
static inline unsigned part_of(const struct shape *s, uint64_t index) {
    return (unsigned)(index % (s->fragments + 1));
}

static inline void put16(uint8_t *at, unsigned v) { at[0] = (uint8_t)(v >> 8), at[1] = (uint8_t)v; }
static inline void put32(uint8_t *at, uint32_t v) { put16(at, v >> 16), put16(at + 2, v & 0xffff); }
static inline unsigned get16(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }
static inline uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

/* SEI, or STAP-A of SPS, PPS and SEI (RFC 6184 section 5.7.1). Returns its size. */
static size_t put_mark(uint8_t *at, uint32_t stream, uint64_t frame) {
    uint8_t *begin = at;
    char digits[24];
    if (frame % KEY_EVERY == 0) {
        *at++ = 0x78;
        memcpy(at, parameter_sets, sizeof parameter_sets), at += sizeof parameter_sets;
        put16(at, MARK), at += 2;
    }
    memcpy(at, mark_head, sizeof mark_head), at += sizeof mark_head;
    snprintf(digits, sizeof digits, "%02x0%016llx", stream & 0xffu, (unsigned long long)frame);
    memcpy(at, digits, 19), at += 19;
    *at++ = 0x80;
    return (size_t)(at - begin);
}

/* FU-A header: an IDR slice in key frames, else a non-IDR one, with start and end bits. */
static inline void put_fu(uint8_t *at, const struct shape *s, uint64_t index) {
    unsigned part = part_of(s, index);
    int key = frame_of(s, index) % KEY_EVERY == 0;
    at[0] = key ? 0x7c : 0x5c;
    at[1] = (uint8_t)((part == 1 ? 0x80 : 0) | (part == s->fragments ? 0x40 : 0) | (key ? 5 : 1));
}

/* One interleaved frame on channel 0. Returns its size. */
static inline size_t put_packet(uint8_t *at, const struct shape *s, uint32_t stream, uint64_t index, uint64_t made_ns) {
    unsigned part = part_of(s, index);
    uint8_t *rtp = at + INTERLEAVED, *payload = rtp + RTP;
    size_t size = s->payload;
    if (part == 0) {
        size = put_mark(payload, stream, frame_of(s, index));
    } else {
        put_fu(payload, s, index);
        memcpy(payload + FU, &made_ns, 8);
        memcpy(payload + FU + 8, &stream, 4);
        memcpy(payload + FU + 12, &index, 8);
        memcpy(payload + FU + META, pattern_of(stream, index), size - FU - META);
    }
    at[0] = '$', at[1] = 0;
    put16(at + 2, (unsigned)(RTP + size));
    rtp[0] = 0x80;
    rtp[1] = (uint8_t)(96 | (part == s->fragments ? 0x80 : 0));
    put16(rtp + 2, (unsigned)(index & 0xffff));
    put32(rtp + 4, (uint32_t)(frame_of(s, index) * CLOCK_PER_FRAME));
    put32(rtp + 8, 0x5a000000u | stream);
    return INTERLEAVED + RTP + size;
}

#endif
