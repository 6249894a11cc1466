/* A whole sequence of a Neural Turing Machine, forwards and backwards, for a CPU; and a whole
   update of a training.

   forward and backward are the fast path behind NTM.unroll: what NTM.step repeated computes (the
   tests hold the two equal), with a backward pass derived by hand. update, behind ntm.train, adds
   what is around them: output layer, cost, gradients of the weights, clipping, optimiser.
   Compiled by ntm/fast.py on first use, once with REAL=float and once with REAL=double; without a
   compiler nothing needs it. It asks nothing of the system but memory and mathematics, so that it
   compiles to WebAssembly as it is.

   The memory is kept as [width][N]: the long axis inside, so that every loop over slots is a vector
   loop. The controller's layers see one matrix product a step for the whole batch. */

#include <stdlib.h>
#include <string.h>
#include <tgmath.h> /* exp of a float is expf, of a double exp */

typedef REAL real;
#define EPS ((real)1e-6)   /* ntm.addressing.ε */
#define TINY ((real)1e-12) /* ntm.addressing.tiny */
#include "algebra.c"

typedef struct {
    /* sizes; offsets = 2 shift_range + 1; keep: whether what backward needs is kept */
    long T, B, inputs, N, width, reads, writes, offsets, hidden, layers, lstm, keep;
    /* weights: layer[l] [gates][size[l]], heads [emissions][hidden], each with its bias */
    const real *const *layer, *const *bias, *heads, *heads_bias;
    /* what every layer's linear map sees, [T+1][B][size[l]]: (x, r_prev, h_prev), above the first
       (h of the layer below, h_prev) */
    real *const *seen;
    const long *size;
    real *gates;   /* [layers][T][B][gates], after the non-linearities */
    real *c;       /* [layers][T+1][B][hidden], LSTM only */
    real *top;     /* [T][B][hidden + reads width]: (h, r), what the output layer sees */
    real *emitted; /* [T][B][emissions]: k, β, g, s, γ, e, a of all heads, squashed */
    real *M;       /* [T+1][B][width][N], or [1][B][width][N] without keep */
    real *w;       /* [T+1][B][heads][N], or [1]... without keep */
    real *length;  /* [T][B][N]: one over the lengths of the rows of M, or [1]... without keep */
    real *K, *w_c, *w_s; /* [T][B][heads][N], likewise */
    /* gradients, backward only: of what the output layer saw; of the final state, which become
       those of the initial one; before the non-linearities; of the inputs, if they are asked for */
    const real *d_top;                 /* [T][B][hidden + reads width] */
    real *d_M, *d_w, *d_r;             /* [B][width][N], [B][heads][N], [B][reads width] */
    real *d_h, *d_c;                   /* [layers][B][hidden] */
    real *d_gates, *d_emitted;         /* [layers][T][B][gates], [T][B][emissions] */
    real *d_x;                         /* [T][B][inputs] */
} Run;

/* where each kind begins in the emissions of one step */
typedef struct {
    long heads, k, beta, g, s, gamma, e, a, all, gates, reach;
} Places;

static Places places(const Run *run) {
    Places p;
    p.heads = run->reads + run->writes;
    p.k = 0;
    p.beta = p.heads * run->width;
    p.g = p.beta + p.heads;
    p.s = p.g + p.heads;
    p.gamma = p.s + p.heads * run->offsets;
    p.e = p.gamma + p.heads;
    p.a = p.e + run->writes * run->width;
    p.all = p.a + run->writes * run->width;
    p.gates = (run->lstm ? 4 : 1) * run->hidden;
    p.reach = run->offsets / 2;
    return p;
}

/* ---- forwards ---- */

static void squash(const Run *run, const Places *p, real *y) {
    tanhs(p->beta, y + p->k);
    for (long h = 0; h < p->heads; h++) {
        y[p->beta + h] = softplus(y[p->beta + h]);
        y[p->g + h] = sigmoid(y[p->g + h]);
        softmax(run->offsets, y + p->s + h * run->offsets);
        y[p->gamma + h] = 1 + softplus(y[p->gamma + h]);
    }
    sigmoids(run->writes * run->width, y + p->e);
    tanhs(run->writes * run->width, y + p->a);
}

/* Equations (5) to (9) for one head of one sequence; K comes as k·M(i);
   scratch: N + 2 reach numbers */
static void address(const Run *run, const Places *p, long head, const real *restrict inverse,
                    const real *y, const real *w_prev, real *restrict K, real *restrict w_c,
                    real *restrict w_s, real *w, real *restrict scratch) {
    const long N = run->N, reach = p->reach;
    const real *k = y + p->k + head * run->width, *s = y + p->s + head * run->offsets;
    const real beta = y[p->beta + head], g = y[p->g + head], gamma = y[p->gamma + head];
    const real scale = 1 / sqrt(dot(run->width, k, k) + EPS);
    real *restrict w_g = scratch + reach;
    for (long i = 0; i < N; i++) K[i] *= scale * inverse[i], w_c[i] = beta * K[i];
    softmax(N, w_c);
    for (long i = 0; i < N; i++) w_g[i] = g * w_c[i] + (1 - g) * w_prev[i];
    wrap(N, reach, w_g);
    for (long i = 0; i < N; i++) w_s[i] = s[0] * w_g[i + reach];
    for (long q = 1; q < run->offsets; q++)
        for (long i = 0; i < N; i++) w_s[i] += s[q] * w_g[i + reach - q];
    for (long i = 0; i < N; i++) w[i] = gamma * log(w_s[i] < TINY ? TINY : w_s[i]);
    softmax(N, w);
}

/* one sequence's memory at one step: address, read, then write; scratch: 3 N numbers */
static void remember(const Run *run, const Places *p, long t, long b, real *scratch) {
    const long N = run->N, width = run->width, R = run->reads * width;
    const long kept = run->keep ? t : 0, next = run->keep ? t + 1 : 0, cell = kept * run->B + b;
    const real *M = run->M + cell * width * N, *y = run->emitted + (t * run->B + b) * p->all;
    real *M_next = run->M + (next * run->B + b) * width * N, *inverse = run->length + cell * N;
    real *K = run->K + cell * p->heads * N, *w_next = run->w + (next * run->B + b) * p->heads * N;
    inverse_lengths(N, width, M, inverse);
    memset(K, 0, sizeof(real) * p->heads * N);
    product(p->heads, width, N, y + p->k, width, 1, M, N, K, N);
    for (long h = 0; h < p->heads; h++) {
        const long at = (cell * p->heads + h) * N;
        address(run, p, h, inverse, y, run->w + at, run->K + at, run->w_c + at, run->w_s + at,
                w_next + h * N, scratch);
    }
    real *r = run->seen[0] + ((t + 1) * run->B + b) * run->size[0] + run->inputs;
    dots(run->reads, width, N, w_next, M, r);
    memcpy(run->top + (t * run->B + b) * (run->hidden + R) + run->hidden, r, sizeof(real) * R);
    real *restrict keep = scratch, *restrict sum = scratch + N;
    for (long j = 0; j < width; j++) {
        const real *restrict w = w_next + run->reads * N, *e = y + p->e + j, *a = y + p->a + j;
        if (run->writes == 1) {
#pragma GCC ivdep /* without keep, M_next is M */
            for (long i = 0; i < N; i++)
                M_next[j * N + i] = M[j * N + i] * (1 - *e * w[i]) + *a * w[i];
            continue;
        }
        for (long i = 0; i < N; i++) keep[i] = 1, sum[i] = 0;
        for (long v = 0; v < run->writes; v++, w += N, e += width, a += width)
            for (long i = 0; i < N; i++) keep[i] *= 1 - *e * w[i], sum[i] += *a * w[i];
#pragma GCC ivdep
        for (long i = 0; i < N; i++) M_next[j * N + i] = M[j * N + i] * keep[i] + sum[i];
    }
}

/* how many numbers d_remember needs to work in; and how many forwards and backwards do */
static long scratch_of(const Run *run) {
    const long heads = run->reads + run->writes, most = run->reads + heads;
    return (run->writes + most + 8) * run->N + most * run->width + heads;
}

static long room_of(const Run *run) {
    const Places p = places(run);
    long weights = p.all * run->hidden, widest = 0;
    for (long l = 0; l < run->layers; l++) {
        weights += p.gates * run->size[l];
        widest = run->size[l] > widest ? run->size[l] : widest;
    }
    const long forth = weights + 3 * run->N, R = run->reads * run->width;
    const long back = R + run->B * (run->hidden + widest) + scratch_of(run);
    return forth > back ? forth : back;
}

static void forwards(const Run *run, real *room) {
    const Places p = places(run);
    const long T = run->T, B = run->B, H = run->hidden, seen_top = H + run->reads * run->width;
    const real *layer[run->layers];
    real *heads = room, *scratch = heads + p.all * H, *at = scratch + 3 * run->N;
    if (B > 1) transpose(p.all, H, run->heads, heads);
    for (long l = 0; l < run->layers; at += p.gates * run->size[l++]) {
        if (B > 1) transpose(p.gates, run->size[l], run->layer[l], at);
        layer[l] = at;
    }
    for (long t = 0; t < T; t++) {
        for (long l = 0; l < run->layers; l++) {
            const long size = run->size[l], last = l == run->layers - 1;
            real *z = run->gates + (l * T + t) * B * p.gates, *seen = run->seen[l] + t * B * size;
            linear(B, size, p.gates, seen, size, run->layer[l], layer[l], run->bias[l], z);
            for (long b = 0; b < B; b++) {
                real *restrict i = z + b * p.gates, *h = i;
                if (run->lstm) {
                    real *restrict f = i + H, *restrict g = f + H, *restrict o = g + H;
                    const real *restrict c_prev = run->c + ((l * (T + 1) + t) * B + b) * H;
                    real *restrict c = run->c + ((l * (T + 1) + t + 1) * B + b) * H;
                    h = seen + (B + b + 1) * size - H; /* where the layer's next step sees it */
                    sigmoids(2 * H, i);
                    tanhs(H, g);
                    sigmoids(H, o);
                    for (long j = 0; j < H; j++) c[j] = f[j] * c_prev[j] + i[j] * g[j];
                    memcpy(h, c, sizeof(real) * H);
                    tanhs(H, h);
                    for (long j = 0; j < H; j++) h[j] *= o[j];
                } else
                    tanhs(H, h);
                real *above = last ? run->top : run->seen[l + 1];
                const long ld = last ? seen_top : run->size[l + 1];
                memcpy(above + (t * B + b) * ld, h, sizeof(real) * H);
            }
        }
        real *y = run->emitted + t * B * p.all;
        linear(B, H, p.all, run->top + t * B * seen_top, seen_top, run->heads, heads,
               run->heads_bias, y);
        for (long b = 0; b < B; b++) {
            squash(run, &p, y + b * p.all);
            remember(run, &p, t, b, scratch);
        }
    }
}

int forward(const Run *run) {
    real *room = malloc(sizeof(real) * room_of(run));
    forwards(run, room);
    free(room);
    return 0;
}

/* ---- backwards ---- */

/* the gradient before the non-linearities, from that after them, in d; y is what came out */
static void d_squash(const Run *run, const Places *p, const real *restrict y, real *restrict d) {
    for (long i = p->k; i < p->beta; i++) d[i] *= 1 - y[i] * y[i];
    for (long h = 0; h < p->heads; h++) {
        d[p->beta + h] *= d_softplus(y[p->beta + h]);
        d[p->g + h] *= y[p->g + h] * (1 - y[p->g + h]);
        d_softmax(run->offsets, y + p->s + h * run->offsets, d + p->s + h * run->offsets);
        d[p->gamma + h] *= d_softplus(y[p->gamma + h] - 1);
    }
    for (long i = p->e; i < p->a; i++) d[i] *= y[i] * (1 - y[i]);
    for (long i = p->a; i < p->all; i++) d[i] *= 1 - y[i] * y[i];
}

/* Through equations (9) to (5) for one head. d: the gradient of w, which becomes that of w_prev;
   d_dot: that of k·M(i); d_square: that of each row's squared length, summed over heads;
   scratch: 2 N + 4 reach numbers */
static void d_address(const Run *run, const Places *p, long head, const real *restrict inverse,
                      const real *y, const real *restrict w_prev, const real *restrict K,
                      const real *restrict w_c, const real *restrict w_s, const real *restrict w,
                      real *restrict d, real *d_y, real *restrict d_dot, real *restrict d_square,
                      real *restrict d_scale, real *restrict scratch) {
    const long N = run->N, reach = p->reach;
    const real *k = y + p->k + head * run->width, *s = y + p->s + head * run->offsets;
    const real beta = y[p->beta + head], g = y[p->g + head], gamma = y[p->gamma + head];
    real *restrict w_g = scratch + reach, *restrict circle = w_g + N + 2 * reach;
    real d_gamma = 0, d_g = 0, d_length = 0, mean = dot(N, w, d);
    for (long i = 0; i < N; i++) {
        const real x = w[i] * (d[i] - mean);
        d_gamma += x * log(w_s[i] < TINY ? TINY : w_s[i]);
        circle[i] = w_s[i] >= TINY ? gamma * x / w_s[i] : 0;
        w_g[i] = g * w_c[i] + (1 - g) * w_prev[i];
    }
    d_y[p->gamma + head] = d_gamma;
    wrap(N, reach, w_g);
    wrap(N, reach, circle);
    for (long q = 0; q < run->offsets; q++)
        d_y[p->s + head * run->offsets + q] = dot(N, circle, w_g + reach - q);
    for (long i = 0; i < N; i++) d[i] = s[0] * circle[i - reach];
    for (long q = 1; q < run->offsets; q++)
        for (long i = 0; i < N; i++) d[i] += s[q] * circle[i - reach + q];
    mean = 0;
    for (long i = 0; i < N; i++) mean += d[i] * w_c[i], d_g += d[i] * (w_c[i] - w_prev[i]);
    d_y[p->g + head] = d_g;
    const real square = dot(run->width, k, k) + EPS, scale = 1 / sqrt(square);
    for (long i = 0; i < N; i++) {
        const real x = g * w_c[i] * (d[i] - mean), q = x * K[i];
        d_length += q;
        d_square[i] -= beta * q * inverse[i] * inverse[i]; /* times M(i): through its length */
        d_dot[i] = beta * scale * x * inverse[i];
        d[i] *= 1 - g;
    }
    d_y[p->beta + head] = d_length;
    *d_scale = -beta * d_length / square; /* times k */
}

/* through the erasure by one head, and its addition, of some rows of the memory; d: the gradient
   of what was written, which becomes that of what was there before, m */
INLINE void d_write(const int rows, long N, const int add, const real *restrict m,
                    const real *restrict w, const real *e, const real *a, real *restrict d,
                    real *restrict d_w, real *d_e, real *d_a) {
    real sum_e[2] = {0}, sum_a[2] = {0};
    for (long i = 0; i < N; i++) {
        real sum = 0;
        for (int r = 0; r < rows; r++) {
            const real x = d[r * N + i], q = x * m[r * N + i];
            sum_e[r] -= q * w[i];
            sum -= q * e[r];
            if (add) sum_a[r] += x * w[i], sum += x * a[r];
            d[r * N + i] = x * (1 - e[r] * w[i]);
        }
        d_w[i] += sum;
    }
    for (int r = 0; r < rows; r++) {
        d_e[r] = sum_e[r];
        if (add) d_a[r] = sum_a[r];
    }
}

/* one sequence's memory at one step, backwards; d_r [reads width]: the gradient of what was read */
static void d_remember(const Run *run, const Places *p, long t, long b, const real *d_r,
                       real *scratch) {
    const long N = run->N, width = run->width, heads = p->heads, reads = run->reads;
    const long cell = t * run->B + b, last = run->writes - 1;
    const real *restrict M = run->M + cell * width * N, *y = run->emitted + cell * p->all;
    const real *w_next = run->w + (cell + run->B) * heads * N, *w = w_next + reads * N;
    const real *inverse = run->length + cell * N, *e = y + p->e, *a = y + p->a;
    real *d_y = run->d_emitted + cell * p->all, *d_e = d_y + p->e, *d_a = d_y + p->a;
    real *restrict d_M = run->d_M + b * width * N, *d_w = run->d_w + b * heads * N;
    real *d_w_write = d_w + reads * N;
    for (long j = 0; j < width && last == 0;) /* the write: equations (4) and (3) */
        if (j + 1 < width) {
            d_write(2, N, 1, M + j * N, w, e + j, a + j, d_M + j * N, d_w_write, d_e + j, d_a + j);
            j += 2;
        } else {
            d_write(1, N, 1, M + j * N, w, e + j, a + j, d_M + j * N, d_w_write, d_e + j, d_a + j);
            j += 1;
        }
    for (long j = 0; j < width && last > 0; j++) { /* several: all add to what all have erased */
        real *restrict d = d_M + j * N, *m = scratch;
        memcpy(m, M + j * N, sizeof(real) * N);
        for (long v = 0; v <= last; v++) {
            const real *restrict w_v = w + v * N, a_v = a[v * width + j], e_v = e[v * width + j];
            real *restrict d_w_v = d_w_write + v * N, sum = 0;
            for (long i = 0; i < N; i++) sum += d[i] * w_v[i], d_w_v[i] += a_v * d[i];
            d_a[v * width + j] = sum;
            for (long i = 0; i < N && v < last; i++)
                m[(v + 1) * N + i] = m[v * N + i] * (1 - e_v * w_v[i]);
        }
        for (long v = last; v >= 0; v--) {
            const long at = v * width + j;
            d_write(1, N, 0, m + v * N, w + v * N, e + at, a + at, d, d_w_write + v * N, d_e + at,
                    d_a + at);
        }
    }
    product(reads, width, N, d_r, width, 1, M, N, d_w, N); /* the read: equation (2) */
    real *from = scratch, *d_dot = from + reads * N, *restrict d_square = d_dot + heads * N;
    real *factor = d_square + N, *d_scale = factor + (reads + heads) * width;
    memset(d_square, 0, sizeof(real) * N);
    for (long h = 0; h < heads; h++) {
        const long at = (cell * heads + h) * N;
        d_address(run, p, h, inverse, y, run->w + at, run->K + at, run->w_c + at, run->w_s + at,
                  w_next + h * N, d_w + h * N, d_y, d_dot + h * N, d_square, d_scale + h,
                  d_scale + heads);
    }
    dots(heads, width, N, d_dot, M, d_y + p->k); /* the similarity: equation (6) */
    for (long h = 0; h < heads; h++)
        for (long j = h * width; j < (h + 1) * width; j++) d_y[j] += d_scale[h] * y[j];
    for (long i = 0; i < width; i++)
        for (long j = 0; j < N; j++) d_M[i * N + j] += d_square[j] * M[i * N + j];
    memcpy(from, w_next, sizeof(real) * reads * N); /* and what M gets from reads and keys */
    memcpy(factor, d_r, sizeof(real) * reads * width);
    memcpy(factor + reads * width, y + p->k, sizeof(real) * heads * width);
    product(width, reads + heads, N, factor, 1, width, from, N, d_M, N);
    d_squash(run, p, y, d_y);
}

static void backwards(const Run *run, real *room) {
    const Places p = places(run);
    const long T = run->T, B = run->B, H = run->hidden, R = run->reads * run->width;
    const long seen_top = H + R;
    real *d_r = room, *scratch = d_r + R, *d_up = scratch + scratch_of(run), *d_seen = d_up + B * H;
    for (long t = T - 1; t >= 0; t--) {
        for (long b = 0; b < B; b++) {
            const real *top = run->d_top + (t * B + b) * seen_top;
            for (long j = 0; j < R; j++) d_r[j] = top[H + j] + run->d_r[b * R + j];
            d_remember(run, &p, t, b, d_r, scratch);
            memcpy(d_up + b * H, top, sizeof(real) * H);
        }
        product(B, p.all, H, run->d_emitted + t * B * p.all, p.all, 1, run->heads, H, d_up, H);
        for (long l = run->layers - 1; l >= 0; l--) {
            const long size = run->size[l];
            real *d_z = run->d_gates + (l * T + t) * B * p.gates;
            for (long b = 0; b < B; b++) {
                const real *restrict i = run->gates + ((l * T + t) * B + b) * p.gates;
                real *restrict d_i = d_z + b * p.gates, *restrict d_h = d_up + b * H;
                if (run->lstm) {
                    const real *restrict f = i + H, *restrict g = f + H, *restrict o = g + H;
                    const real *restrict c_prev = run->c + ((l * (T + 1) + t) * B + b) * H;
                    const real *h_next = run->d_h + (l * B + b) * H;
                    const real *restrict h = run->seen[l] + ((t + 1) * B + b) * size + size - H;
                    real *restrict d_c = run->d_c + (l * B + b) * H;
                    for (long j = 0; j < H; j++) {
                        real d = d_h[j] + h_next[j], squashed = h[j] / o[j];
                        if (o[j] < (real)1e-30) squashed = 0;
                        real d_cj = d_c[j] + d * o[j] * (1 - squashed * squashed);
                        d_i[j] = d_cj * g[j] * i[j] * (1 - i[j]);
                        d_i[H + j] = d_cj * c_prev[j] * f[j] * (1 - f[j]);
                        d_i[2 * H + j] = d_cj * i[j] * (1 - g[j] * g[j]);
                        d_i[3 * H + j] = d * squashed * o[j] * (1 - o[j]);
                        d_c[j] = d_cj * f[j];
                    }
                } else
                    for (long j = 0; j < H; j++) d_i[j] = d_h[j] * (1 - i[j] * i[j]);
            }
            const long from = l || run->d_x ? 0 : run->inputs; /* update does not ask for d_x */
            memset(d_seen, 0, sizeof(real) * B * size);
            product(B, p.gates, size - from, d_z, p.gates, 1, run->layer[l] + from, size,
                    d_seen + from, size);
            for (long b = 0; b < B; b++) {
                const real *d = d_seen + b * size;
                if (run->lstm) memcpy(run->d_h + (l * B + b) * H, d + size - H, sizeof(real) * H);
                if (l) {
                    memcpy(d_up + b * H, d, sizeof(real) * H);
                } else {
                    if (run->d_x)
                        memcpy(run->d_x + (t * B + b) * run->inputs, d, sizeof(real) * run->inputs);
                    memcpy(run->d_r + b * R, d + run->inputs, sizeof(real) * R);
                }
            }
        }
    }
}

int backward(const Run *run) {
    real *room = malloc(sizeof(real) * room_of(run));
    backwards(run, room);
    free(room);
    return 0;
}

/* ---- the cost and the output layer ---- */

static void linear_gradient(long rows, long G, long K, const real *d, const real *seen, long ld,
                            real *weight, real *bias) {
    for (long n = 0; n < rows; n += 128) /* so many rows stay in the second cache */
        product(G, rows - n < 128 ? rows - n : 128, K, d + n * G, 1, G, seen + n * ld, ld, weight,
                K);
    for (long n = 0; n < rows; n++)
        for (long g = 0; g < G; g++) bias[g] += d[n * G + g];
}

/* ---- one update of an optimiser, in one pass over a parameter x with gradient d ---- */

/* ntm.optim.GravesRMSprop */
void rmsprop(long size, real *restrict x, const real *restrict d, real *restrict n,
             real *restrict m, real *restrict delta, double lr, double decay, double momentum,
             double eps) {
    const real rate = (real)lr, rho = (real)decay, mu = (real)momentum, epsilon = (real)eps;
    for (long i = 0; i < size; i++) {
        n[i] = rho * n[i] + (1 - rho) * d[i] * d[i];
        m[i] = rho * m[i] + (1 - rho) * d[i];
        real variance = n[i] - m[i] * m[i];
        delta[i] = mu * delta[i] - rate * d[i] / sqrt((variance > 0 ? variance : 0) + epsilon);
        x[i] += delta[i];
    }
}

/* torch.optim.Adam, with neither weight decay nor amsgrad; step is what it was before */
static void adam(long size, real *restrict x, const real *restrict d, real *restrict m,
                 real *restrict v, float *step, double lr, double beta1, double beta2, double eps) {
    const double steps = *step += 1;
    const real rate = (real)(lr / (1 - pow(beta1, steps))), epsilon = (real)eps;
    const real root = (real)(1 / sqrt(1 - pow(beta2, steps))), keep = (real)beta2;
    const real new1 = (real)(1 - beta1), new2 = (real)(1 - beta2);
    for (long i = 0; i < size; i++) {
        m[i] += new1 * (d[i] - m[i]);
        v[i] = keep * v[i] + new2 * d[i] * d[i];
        x[i] -= rate * m[i] / (sqrt(v[i]) * root + epsilon);
    }
}

/* ---- a whole update of a training, in one call ---- */

/* what is trained, in this order, then weight and bias of each layer of the controller */
enum { R_0, H_0, C_0, M_0, W_0, HEADS, HEADS_BIAS, OUTPUT, OUTPUT_BIAS, LAYER };

typedef struct {
    real *x, *d;     /* its values, and where its gradient goes; d is 0 where it is not learned */
    real *state[3];  /* the optimiser's: n, m, Δ, or Adam's two means */
    float *step;     /* Adam's */
    long size;
} Parameter;

typedef struct {
    Run run; /* the sizes are given, the pointers are set here */
    long outputs, adam;
    const Parameter *parameters;
    /* the sequences, time first; what belongs to a step is together, steps so many numbers apart */
    const real *x, *y, *mask;
    long x_step, y_step, mask_step;
    double lr, first, second, eps; /* decay and momentum, or β1 and β2 */
    double clip, clip_each;        /* infinite where there is none */
    real *room;                    /* update_room numbers to work in; nothing in it is kept */
    double cost, norm;             /* what came of it: bits a sequence; before clipping */
} Update;

typedef struct {
    real *output, *logits, *q, *d_top, *work, *end;
} Desk;

/* every array gets its place in the room; returns how many numbers they take */
static long lay_out(const Update *u, Run *run, real **seen, long *size, Desk *desk) {
    const long L = run->layers, rows = run->T * run->B, B = run->B, N = run->N, H = run->hidden;
    const long R = run->reads * run->width, slots = run->width * N, O = u->outputs;
    const Places p = places(run);
    long used = 0, weights = rows * p.heads * N;
    for (long l = 0; l < L; used += (rows + B) * size[l++]) {
        size[l] = (l ? H : run->inputs + R) + (run->lstm ? H : 0);
        seen[l] = u->room + used;
    }
    run->size = size, run->seen = seen, run->keep = 1, run->d_x = 0;
    const struct {
        real **at;
        long n;
    } arrays[] = {
        {&run->gates, L * rows * p.gates}, {&run->c, run->lstm ? L * (rows + B) * H : 0},
        {&run->top, rows * (H + R)}, {&run->emitted, rows * p.all}, {&run->M, (rows + B) * slots},
        {&run->w, weights + B * p.heads * N}, {&run->length, rows * N}, {&run->K, weights},
        {&run->w_c, weights}, {&run->w_s, weights}, {&run->d_gates, L * rows * p.gates},
        {&run->d_emitted, rows * p.all}, {&desk->output, O * (H + R)}, {&desk->logits, rows * O},
        {&desk->q, rows * O}, {&desk->work, room_of(run)},
        /* these begin at zero */
        {&desk->d_top, rows * (H + R)}, {&run->d_M, B * slots}, {&run->d_w, B * p.heads * N},
        {&run->d_r, B * R}, {&run->d_h, L * B * H}, {&run->d_c, L * B * H}, {&desk->end, 0},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        used = (used + LANES - 1) / LANES * LANES;
        *arrays[i].at = u->room + used;
        used += arrays[i].n;
    }
    run->d_top = desk->d_top;
    return used;
}

/* the inputs, and the state in which every sequence begins: NTM.initial_state */
static void begin(const Update *u, const Run *run) {
    const Parameter *p = u->parameters;
    const long B = run->B, N = run->N, width = run->width, R = run->reads * width, H = run->hidden;
    const long heads = run->reads + run->writes, inputs = run->inputs, slots = N * width;
    for (long t = 0; t < run->T; t++)
        for (long b = 0; b < B; b++)
            memcpy(run->seen[0] + (t * B + b) * run->size[0], u->x + t * u->x_step + b * inputs,
                   sizeof(real) * inputs);
    transpose(N, width, p[M_0].x, run->M);
    memcpy(run->w, p[W_0].x, sizeof(real) * heads * N);
    for (long h = 0; h < heads; h++) softmax(N, run->w + h * N);
    for (long b = 0; b < B; b++) {
        if (b) memcpy(run->M + b * slots, run->M, sizeof(real) * slots);
        if (b) memcpy(run->w + b * heads * N, run->w, sizeof(real) * heads * N);
        memcpy(run->seen[0] + b * run->size[0] + inputs, p[R_0].x, sizeof(real) * R);
        for (long l = 0; l < run->layers && run->lstm; l++) {
            const long size = run->size[l], at = l * (run->T + 1) * B + b;
            memcpy(run->seen[l] + b * size + size - H, p[H_0].x + l * H, sizeof(real) * H);
            memcpy(run->c + at * H, p[C_0].x + l * H, sizeof(real) * H);
        }
    }
}

/* The cost, in nats: the cross-entropy of what is scored, as the mean over so many sequences, of
   which these are some. The logits z become its gradient. */
static double cross_entropy(const Update *u, const Run *run, long sequences, real *restrict z,
                            real *restrict q) {
    const long B = run->B, O = u->outputs, all = run->T * B * O;
    double sum = 0;
    for (long i = 0; i < all; i++) q[i] = exp(z[i] < 0 ? z[i] : -z[i]);
    for (long t = 0; t < run->T; t++)
        for (long b = 0; b < B; b++) {
            const real *y = u->y + t * u->y_step + b * O, m = u->mask[t * u->mask_step + b];
            const long at = (t * B + b) * O;
            for (long o = 0; o < O; o++) {
                const real zo = z[at + o], qo = q[at + o];
                sum += m * ((zo > 0 ? zo : 0) - zo * y[o]);
                z[at + o] = m / sequences * ((zo < 0 ? qo : 1) / (1 + qo) - y[o]);
            }
        }
    for (long i = 0; i < all; i++) q[i] = log1p(q[i]);
    for (long t = 0; t < run->T; t++)
        for (long b = 0; b < B; b++)
            for (long o = 0; o < O; o++)
                sum += u->mask[t * u->mask_step + b] * q[(t * B + b) * O + o];
    return sum / sequences;
}

/* gradients of all that is learned, from what backwards left */
static void gradients(const Update *u, const Run *run, const real *d_logits) {
    const Parameter *p = u->parameters;
    const Places places_ = places(run);
    const long B = run->B, N = run->N, width = run->width, R = run->reads * width, H = run->hidden;
    const long rows = run->T * B, all = places_.heads * N;
    for (long b = 0; b < B; b++) {
        for (long i = 0; i < R; i++) p[R_0].d[i] += run->d_r[b * R + i];
        for (long i = 0; i < N * width && p[M_0].d; i++)
            p[M_0].d[i] += run->d_M[(b * width + i % width) * N + i / width];
        for (long h = 0; h < places_.heads && p[W_0].d; h++) {
            real *d = run->d_w + b * all + h * N;
            d_softmax(N, run->w + h * N, d);
            for (long i = 0; i < N; i++) p[W_0].d[h * N + i] += d[i];
        }
        for (long l = 0; l < run->layers && run->lstm; l++)
            for (long i = 0; i < H; i++) {
                p[H_0].d[l * H + i] += run->d_h[(l * B + b) * H + i];
                p[C_0].d[l * H + i] += run->d_c[(l * B + b) * H + i];
            }
    }
    linear_gradient(rows, places_.all, H, run->d_emitted, run->top, H + R, p[HEADS].d,
                    p[HEADS_BIAS].d);
    linear_gradient(rows, u->outputs, H + R, d_logits, run->top, H + R, p[OUTPUT].d,
                    p[OUTPUT_BIAS].d);
    for (long l = 0; l < run->layers; l++)
        linear_gradient(rows, places_.gates, run->size[l], run->d_gates + l * rows * places_.gates,
                        run->seen[l], run->size[l], p[LAYER + 2 * l].d, p[LAYER + 2 * l + 1].d);
}

/* scales all gradients so that their norm is at most clip, clamps every element to clip_each;
   returns the norm they had */
static double clipped(const Parameter *p, const Parameter *end, double clip, double clip_each) {
    double sum = 0;
    for (const Parameter *q = p; q < end; q++)
        if (q->d) sum += dot(q->size, q->d, q->d);
    if (!isfinite(sum)) { /* in single precision squares overflow long before the gradient does */
        sum = 0;
        for (const Parameter *q = p; q < end; q++)
            for (long i = 0; i < q->size && q->d; i++) sum += (double)q->d[i] * (double)q->d[i];
    }
    const double norm = sqrt(sum);
    const real scale = norm > clip ? (real)(clip / norm) : 1, most = (real)clip_each;
    for (const Parameter *q = p; q < end && isfinite(norm); q++)
        for (long i = 0; i < q->size && q->d && (scale != 1 || isfinite(most)); i++) {
            const real d = q->d[i] * scale;
            q->d[i] = d > most ? most : d < -most ? -most : d;
        }
    return norm;
}

/* Learn from the sequences first to first + run.B: adds to the gradients, returns their cost */
static double learn(Update u, long first, long sequences) {
    const long L = u.run.layers, O = u.outputs, top = u.run.hidden + u.run.reads * u.run.width;
    const Parameter *p = u.parameters;
    Run run = u.run;
    const real *layer[L], *bias[L];
    real *seen[L];
    long size[L];
    Desk desk;
    u.x += first * run.inputs, u.y += first * O, u.mask += first;
    lay_out(&u, &run, seen, size, &desk);
    for (long l = 0; l < L; l++) {
        layer[l] = p[LAYER + 2 * l].x;
        bias[l] = p[LAYER + 2 * l + 1].x;
    }
    run.layer = layer, run.bias = bias, run.heads = p[HEADS].x, run.heads_bias = p[HEADS_BIAS].x;
    begin(&u, &run);
    forwards(&run, desk.work);
    const long rows = run.T * run.B;
    transpose(O, top, p[OUTPUT].x, desk.output);
    for (long n = 0; n < rows; n++)
        memcpy(desk.logits + n * O, p[OUTPUT_BIAS].x, sizeof(real) * O);
    product(rows, top, O, run.top, top, 1, desk.output, O, desk.logits, O);
    const double cost = cross_entropy(&u, &run, sequences, desk.logits, desk.q);
    memset(desk.d_top, 0, sizeof(real) * (desk.end - desk.d_top));
    product(rows, O, top, desk.logits, O, 1, p[OUTPUT].x, top, desk.d_top, top);
    backwards(&run, desk.work);
    gradients(&u, &run, desk.logits);
    return cost;
}

/* so many sequences at a time: their memories stay in the second cache */
#define GROUP 4

/* how many numbers the room of an update must have */
long update_room(const Update *u) {
    Run run = u->run;
    real *seen[run.layers];
    long size[run.layers];
    Desk desk;
    if (run.B > GROUP) run.B = GROUP;
    return lay_out(u, &run, seen, size, &desk);
}

/* whether a step is scored in none of these sequences: the last such steps need not be run */
static int silent(long B, const real *mask) {
    for (long b = 0; b < B; b++)
        if (mask[b] != 0) return 0;
    return 1;
}

/* Returns 1; or 0, with weights and optimiser as they were, where cost or gradient is not finite */
int update(Update *u) {
    const Parameter *p = u->parameters, *end = p + LAYER + 2 * u->run.layers;
    double nats = 0;
    for (const Parameter *q = p; q < end; q++)
        if (q->d) memset(q->d, 0, sizeof(real) * q->size);
    for (long first = 0; first < u->run.B; first += GROUP) {
        Update some = *u;
        long *T = &some.run.T, *B = &some.run.B;
        *B = u->run.B - first < GROUP ? u->run.B - first : GROUP;
        while (*T > 1 && silent(*B, u->mask + (*T - 1) * u->mask_step + first)) --*T;
        nats += learn(some, first, u->run.B);
    }
    u->cost = nats / 0.6931471805599453;
    u->norm = clipped(p, end, u->clip, u->clip_each);
    if (!isfinite(u->cost) || !isfinite(u->norm)) return 0;
    for (const Parameter *q = p; q < end; q++) {
        if (!q->d) continue;
        if (u->adam)
            adam(q->size, q->x, q->d, q->state[0], q->state[1], q->step, u->lr, u->first, u->second,
                 u->eps);
        else
            rmsprop(q->size, q->x, q->d, q->state[0], q->state[1], q->state[2], u->lr, u->first,
                    u->second, u->eps);
    }
    return 1;
}
