/* Makes the collision of docs/upstream/xnnpack_skipped_copy.md happen whenever it may happen.

   Preloaded into a Python process that runs ai-edge-litert 2.3.0 on x86-64, whose operators it knows
   by their layout. It does two things:

   1. malloc and its kin hand out slots of one large region and take none of them again for a long
      time, so that the address of a tensor tells whether it lives in XNNPACK's workspace (which
      comes from posix_memalign), elsewhere, or nowhere any more.
   2. collide.py writes jumps to `setup_x8`, `_x16` and `_x32` over XNNPACK's own set-up of its copy
      operators. They do what the originals do, and look at who calls. Called since the workspace
      grew, for a copy with one end in the workspace and the other in memory that is free by now, an
      unlucky malloc would have given that memory to the new workspace: then source and target would
      be equal, and the operator marked to be skipped. With `force` it is marked so at once.
      An operator that is set up to run after that, without having been reshaped, is "exposed". */

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

/* Memory */

enum { SLOTS = 40000, RESTING = 15000 };
#define SLOT_BYTES ((size_t)1 << 21)
#define SMALLEST ((size_t)256)

enum kind { NOT_OURS, HEAP, WORKSPACE, FREE };

static char *region;
static struct {
    size_t bytes;
    enum kind kind;
} slots[SLOTS];
static int resting[SLOTS];
static size_t rested, laid_to_rest;
static int used, on;
static volatile int busy;

static int ours(const void *p) {
    return region && (const char *)p >= region && (const char *)p < region + SLOTS * SLOT_BYTES;
}

static size_t slot_of(const void *p) { return ((const char *)p - region) / SLOT_BYTES; }

static enum kind kind_of(const void *p) { return ours(p) ? slots[slot_of(p)].kind : NOT_OURS; }

static void *take(size_t bytes, enum kind kind) {
    while (__sync_lock_test_and_set(&busy, 1)) {}
    int slot;
    if (used < SLOTS && laid_to_rest - rested < RESTING) slot = used++;
    else slot = resting[rested++ % SLOTS];
    slots[slot].bytes = bytes;
    slots[slot].kind = kind;
    __sync_lock_release(&busy);
    return region + slot * SLOT_BYTES;
}

void collide_on(int value) {
    if (!region) {
        void *p = mmap(NULL, SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) abort();
        region = p;
    }
    on = value;
}

void *malloc(size_t n) {
    return on && n >= SMALLEST && n <= SLOT_BYTES ? take(n, HEAP) : __libc_malloc(n);
}

void *calloc(size_t count, size_t size) {
    size_t n = count * size;
    if (!on || n < SMALLEST || n > SLOT_BYTES) return __libc_calloc(count, size);
    return memset(take(n, HEAP), 0, n);
}

void *memalign(size_t alignment, size_t n) {
    return on && n <= SLOT_BYTES && alignment <= 4096 ? take(n, WORKSPACE)
                                                      : __libc_memalign(alignment, n);
}

int posix_memalign(void **result, size_t alignment, size_t n) {
    void *p = memalign(alignment, n);
    if (!p) return ENOMEM;
    *result = p;
    return 0;
}

/* LiteRT's arenas come from here. */
void *aligned_alloc(size_t alignment, size_t n) {
    return on && n <= SLOT_BYTES && alignment <= 4096 ? take(n, HEAP)
                                                      : __libc_memalign(alignment, n);
}

void free(void *p) {
    if (!ours(p)) {
        __libc_free(p);
        return;
    }
    while (__sync_lock_test_and_set(&busy, 1)) {}
    slots[slot_of(p)].kind = FREE;
    resting[laid_to_rest++ % SLOTS] = (int)slot_of(p);
    __sync_lock_release(&busy);
}

void *realloc(void *p, size_t n) {
    if (!p) return malloc(n);
    if (!ours(p)) return __libc_realloc(p, n);
    size_t old = slots[slot_of(p)].bytes;
    void *moved = malloc(n);
    memcpy(moved, p, old < n ? old : n);
    free(p);
    return moved;
}

/* XNNPACK's copy operator, as ai-edge-litert 2.3.0 lays it out on x86-64. */

enum state { INVALID, READY, SKIP, NEEDS_SETUP };
enum { OK = 0, INVALID_PARAMETER = 2, INVALID_STATE = 3 };
#define FIELD(type, op, place) (*(type *)((char *)(op) + (place)))
#define BATCH(op) FIELD(size_t, op, 0x00)
#define CHANNELS(op) FIELD(size_t, op, 0x08)
#define STRIDE_IN(op) FIELD(size_t, op, 0x18)
#define STRIDE_OUT(op) FIELD(size_t, op, 0x20)
#define TYPE(op) FIELD(int, op, 0xb8)
#define STATE(op) FIELD(int, op, 0x200)

/* Code that calls for the set-up: since the workspace has moved, or to run. */
static struct {
    uintptr_t first, end;
} moved, run;
static int force;
static long again, exposed;

void collide_set(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, int forced) {
    moved.first = a, moved.end = b, run.first = c, run.end = d, force = forced;
}
long collide_again(void) { return again; }
long collide_exposed(void) { return exposed; }

enum { OPERATORS = 1 << 16 };
static struct {
    void *op;
    int at_risk;
} operators[OPERATORS];

void collide_clear(void) {
    memset(operators, 0, sizeof operators);
    again = exposed = 0;
}

static int *risk_of(void *op) {
    size_t k = ((uintptr_t)op >> 6) * 2654435761u % OPERATORS;
    while (operators[k].op && operators[k].op != op) k = (k + 1) % OPERATORS;
    operators[k].op = op;
    return &operators[k].at_risk;
}

static int setup(char *op, void *in, void *out, int type, void **frame) {
    if (TYPE(op) != type) return INVALID_PARAMETER;
    int since_moved = 0, to_run = 0;
    for (int depth = 0; depth < 4 && !since_moved && !to_run; depth++, frame = *frame) {
        uintptr_t caller = (uintptr_t)frame[1];
        since_moved = caller >= moved.first && caller < moved.end;
        to_run = caller >= run.first && caller < run.end;
    }
    int *at_risk = risk_of(op);
    if (since_moved) {
        int inside = kind_of(in) == WORKSPACE, target_inside = kind_of(out) == WORKSPACE;
        again++;
        *at_risk = inside != target_inside && kind_of(inside ? out : in) == FREE;
    } else if (to_run) {
        exposed += *at_risk && STATE(op) != NEEDS_SETUP;
        *at_risk = 0;
    }
    if (STATE(op) == SKIP) return OK;
    if (STATE(op) == INVALID) return INVALID_STATE;
    if (in == out || (since_moved && force && *at_risk)) {
        STATE(op) = SKIP;
        return OK;
    }
    int contiguous = STRIDE_IN(op) == CHANNELS(op) && STRIDE_OUT(op) == CHANNELS(op);
    if (contiguous || BATCH(op) == 1) {
        FIELD(void *, op, 0x120) = in;
        FIELD(void *, op, 0x128) = out;
    } else {
        FIELD(void *, op, 0x128) = in;
        FIELD(void *, op, 0x138) = out;
    }
    STATE(op) = READY;
    return OK;
}

int setup_x8(char *op, void *in, void *out) {
    return setup(op, in, out, 0x28, __builtin_frame_address(0));
}
int setup_x16(char *op, void *in, void *out) {
    return setup(op, in, out, 0x29, __builtin_frame_address(0));
}
int setup_x32(char *op, void *in, void *out) {
    return setup(op, in, out, 0x2a, __builtin_frame_address(0));
}
