/* A whole sequence of a Neural Turing Machine, forwards and backwards, for a CPU: the fast path behind NTM.unroll.

   It computes what NTM.step repeated computes (the tests hold the two equal), with a backward pass derived by hand.
   Compiled by ntm/fast.py on first use, once with REAL=float and once with REAL=double; without a compiler nothing needs it.

   The memory is kept as [width][N]: the long axis inside, so that every loop over slots is a vector loop.
   The controller's layers see one matrix product a step for the whole batch; gradients of weights are left to the
   caller, as one product over all steps. */

#include <stdlib.h>
#include <string.h>
#include <tgmath.h> /* exp of a float is expf, of a double exp */

typedef REAL real;
#define EPS ((real)1e-6)   /* ntm.addressing.ε */
#define TINY ((real)1e-12) /* ntm.addressing.tiny */

typedef struct {
    /* sizes; offsets = 2 shift_range + 1; sequences are kept for the backward pass only if keep is set */
    long T, B, inputs, N, width, reads, writes, offsets, hidden, layers, lstm, keep;
    /* weights: layer[l] [gates][size[l]], heads [emissions][hidden], each with its bias */
    const real *const *layer, *const *bias, *heads, *heads_bias;
    /* what every layer's linear map sees, [T+1][B][size[l]]: (x, r_prev, h_prev) or (h of the layer below, h_prev) */
    real *const *seen;
    const long *size;
    real *gates;   /* [layers][T][B][gates], after the non-linearities */
    real *c;       /* [layers][T+1][B][hidden], LSTM only */
    real *top;     /* [T][B][hidden + reads width]: (h, r), what the output layer sees */
    real *emitted; /* [T][B][emissions]: k, β, g, s, γ, e, a of all heads, squashed */
    real *M;       /* [T+1][B][width][N], or [1][B][width][N] without keep */
    real *w;       /* [T+1][B][heads][N], or [1]... without keep */
    real *length;  /* [T][B][N]: lengths of the rows of M, or [1]... without keep; likewise the next three */
    real *K, *w_c, *w_s; /* [T][B][heads][N] */
    /* gradients, backward only: of what the output layer saw; of the final state, turned into those of the initial one */
    const real *d_top;                 /* [T][B][hidden + reads width] */
    real *d_M, *d_w, *d_r, *d_h, *d_c; /* [B][width][N], [B][heads][N], [B][reads width], [layers][B][hidden] twice */
    real *d_gates, *d_emitted;         /* [layers][T][B][gates], [T][B][emissions], before the non-linearities */
    real *d_x;                         /* [T][B][inputs] */
} Run;

/* ---- a small matrix product: out[B][G] += in[B][K] W[K][G]; in[b][k] lies at in[b row + k step] ---- */

#if defined(__AVX512F__)
#define VECTOR 64
#elif defined(__AVX__)
#define VECTOR 32
#else
#define VECTOR 16
#endif
#define LANES ((long)(VECTOR / sizeof(real)))
typedef real vec __attribute__((vector_size(VECTOR), aligned(sizeof(real)), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE void tile(const int rows, const int vecs, long K, const real *in, long row, long step,
                 const real *W, long ld, real *out, long ld_out, long skip) {
    vec sum[4][8];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) sum[r][v] = (vec){0};
    for (long k = 0; k < K; k++)
        for (int v = 0; v < vecs; v++) {
            vec m = *(const vec *)(W + k * ld + v * LANES);
            for (int r = 0; r < rows; r++) sum[r][v] += in[r * row + k * step] * m;
        }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++)
            if (skip)
                for (long j = skip; j < LANES; j++) out[r * ld_out + j] += sum[r][v][j];
            else
                *(vec *)(out + r * ld_out + v * LANES) += sum[r][v];
}

/* columns j to j + vecs LANES of the product, but for the first `skip` */
INLINE void strip(const int rows, const int vecs, long B, long K, const real *in, long row, long step,
                  const real *W, long ld, real *out, long ld_out, long skip) {
    long b = 0;
    for (; b + rows <= B; b += rows)
        tile(rows, vecs, K, in + b * row, row, step, W, ld, out + b * ld_out, ld_out, skip);
    for (; b < B; b++)
        tile(1, vecs, K, in + b * row, row, step, W, ld, out + b * ld_out, ld_out, skip);
}

static void product(long B, long K, long G, const real *in, long row, long step, const real *W,
                    long ld, real *out, long ld_out) {
    const int wide = VECTOR == 64 ? 4 : 3; /* with 4 rows, what the registers hold */
    long j = 0;
    if (B == 1)
        for (; j + 8 * LANES <= G; j += 8 * LANES)
            strip(1, 8, B, K, in, row, step, W + j, ld, out + j, ld_out, 0);
    for (; j + wide * LANES <= G; j += wide * LANES)
        strip(4, wide, B, K, in, row, step, W + j, ld, out + j, ld_out, 0);
    for (; j + LANES <= G; j += LANES)
        strip(4, 1, B, K, in, row, step, W + j, ld, out + j, ld_out, 0);
    if (j < G && G >= LANES) { /* the rest: one more vector, begun earlier, skips what is done */
        const long back = G - LANES;
        strip(4, 1, B, K, in, row, step, W + back, ld, out + back, ld_out, j - back);
    } else
        for (; j < G; j++)
            for (long b = 0; b < B; b++) {
                real sum = 0;
                for (long k = 0; k < K; k++) sum += in[b * row + k * step] * W[k * ld + j];
                out[b * ld_out + j] += sum;
            }
}

/* W [G][K] -> [K][G], in blocks that stay in the first cache */
static void transpose(long G, long K, const real *W, real *out) {
    for (long g = 0; g < G; g += 16)
        for (long k = 0; k < K; k++)
            for (long i = g; i < G && i < g + 16; i++) out[k * G + i] = W[i * K + k];
}

/* ---- non-linearities over n numbers ---- */

static inline real sigmoid(real x) { return 1 / (1 + exp(-x)); }
static inline real softplus(real x) { return x > 20 ? x : log1p(exp(x)); }
static inline real d_softplus(real y) { return y > 20 ? 1 : -expm1(-y); } /* from its value y */

static void sigmoids(long n, real *x) {
    for (long i = 0; i < n; i++) x[i] = sigmoid(x[i]);
}
static void tanhs(long n, real *x) {
    for (long i = 0; i < n; i++) x[i] = 1 - 2 / (1 + exp(2 * x[i]));
}
static void softmax(long n, real *restrict x) {
    real most = x[0], sum = 0;
    for (long i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (long i = 0; i < n; i++) x[i] = exp(x[i] - most);
    for (long i = 0; i < n; i++) sum += x[i];
    for (long i = 0; i < n; i++) x[i] *= 1 / sum;
}
static inline real dot(long n, const real *restrict a, const real *restrict b) {
    real sum = 0;
    for (long i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}
/* gradient of a softmax: d becomes y (d - Σ d y) */
static void d_softmax(long n, const real *restrict y, real *restrict d) {
    real sum = dot(n, y, d);
    for (long i = 0; i < n; i++) d[i] = y[i] * (d[i] - sum);
}
/* x with its ends repeated round the circle, `reach` on either side */
static void wrapped(long N, long reach, const real *x, real *out) {
    memcpy(out, x + N - reach, sizeof(real) * reach);
    memcpy(out + reach, x, sizeof(real) * N);
    memcpy(out + reach + N, x, sizeof(real) * reach);
}

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

/* Equations (5) to (9) for one head of one sequence; scratch holds N + 2 reach numbers */
static void address(const Run *run, const Places *p, long head, const real *restrict M, const real *restrict length, const real *y,
                    const real *w_prev, real *restrict K, real *restrict w_c, real *restrict w_s, real *w, real *restrict scratch) {
    const long N = run->N, width = run->width;
    const real *k = y + p->k + head * width, *s = y + p->s + head * run->offsets;
    const real beta = y[p->beta + head], g = y[p->g + head], gamma = y[p->gamma + head];
    const real scale = 1 / sqrt(dot(width, k, k) + EPS);
    memset(K, 0, sizeof(real) * N);
    for (long j = 0; j < width; j++)
        for (long i = 0; i < N; i++) K[i] += k[j] * M[j * N + i];
    for (long i = 0; i < N; i++) K[i] *= scale / length[i];
    for (long i = 0; i < N; i++) w_c[i] = beta * K[i];
    softmax(N, w_c);
#pragma GCC ivdep /* without keep, w is w_prev */
    for (long i = 0; i < N; i++) w[i] = g * w_c[i] + (1 - g) * w_prev[i];
    wrapped(N, p->reach, w, scratch);
    memset(w_s, 0, sizeof(real) * N);
    for (long q = 0; q < run->offsets; q++)
        for (long i = 0; i < N; i++) w_s[i] += s[q] * scratch[i - q + 2 * p->reach];
    for (long i = 0; i < N; i++) w[i] = gamma * log(w_s[i] < TINY ? TINY : w_s[i]);
    softmax(N, w);
}

/* one sequence's memory at one step: address, read, then write */
static void remember(const Run *run, const Places *p, long t, long b, real *scratch) {
    const long N = run->N, width = run->width, kept = run->keep ? t : 0, next = run->keep ? t + 1 : 0, cell = kept * run->B + b;
    const real *M = run->M + cell * width * N;
    const real *y = run->emitted + (t * run->B + b) * p->all;
    real *M_next = run->M + (next * run->B + b) * width * N;
    real *restrict length = run->length + cell * N;
    real *w_next = run->w + (next * run->B + b) * p->heads * N;
    for (long i = 0; i < N; i++) length[i] = EPS;
    for (long j = 0; j < width; j++)
        for (long i = 0; i < N; i++) length[i] += M[j * N + i] * M[j * N + i];
    for (long i = 0; i < N; i++) length[i] = sqrt(length[i]);
    for (long h = 0; h < p->heads; h++) {
        long at = (cell * p->heads + h) * N;
        address(run, p, h, M, length, y, run->w + at, run->K + at, run->w_c + at, run->w_s + at, w_next + h * N, scratch);
    }
    real *r = run->seen[0] + ((t + 1) * run->B + b) * run->size[0] + run->inputs;
    for (long h = 0; h < run->reads; h++)
        for (long j = 0; j < width; j++) r[h * width + j] = dot(N, w_next + h * N, M + j * N);
    memcpy(run->top + (t * run->B + b) * (run->hidden + run->reads * width) + run->hidden, r, sizeof(real) * run->reads * width);
    real *restrict keep = scratch, *restrict sum = scratch + N;
    for (long j = 0; j < width; j++) {
        for (long i = 0; i < N; i++) keep[i] = 1, sum[i] = 0;
        for (long v = 0; v < run->writes; v++) {
            const real *restrict w = w_next + (run->reads + v) * N;
            const real e = y[p->e + v * width + j], a = y[p->a + v * width + j];
            for (long i = 0; i < N; i++) keep[i] *= 1 - e * w[i], sum[i] += a * w[i];
        }
#pragma GCC ivdep /* without keep, M_next is M */
        for (long i = 0; i < N; i++) M_next[j * N + i] = M[j * N + i] * keep[i] + sum[i];
    }
}

/* how many numbers forwards, and how many backwards, needs to work in */
static long forward_room(const Run *run) {
    const Places p = places(run);
    long room = p.all * run->hidden + 3 * run->N;
    for (long l = 0; l < run->layers; l++) room += p.gates * run->size[l];
    return room;
}

static void forwards(const Run *run, real *room) {
    const Places p = places(run);
    const long T = run->T, B = run->B, H = run->hidden;
    const real *layer[run->layers];
    real *heads = room, *scratch = heads + p.all * H, *at = scratch + 3 * run->N;
    transpose(p.all, H, run->heads, heads);
    for (long l = 0; l < run->layers; at += p.gates * run->size[l++]) {
        transpose(p.gates, run->size[l], run->layer[l], at);
        layer[l] = at;
    }
    for (long t = 0; t < T; t++) {
        for (long l = 0; l < run->layers; l++) {
            const long size = run->size[l], last = l == run->layers - 1;
            real *z = run->gates + (l * T + t) * B * p.gates, *seen = run->seen[l] + t * B * size;
            for (long b = 0; b < B; b++) memcpy(z + b * p.gates, run->bias[l], sizeof(real) * p.gates);
            product(B, size, p.gates, seen, size, 1, layer[l], p.gates, z, p.gates);
            for (long b = 0; b < B; b++) {
                real *restrict i = z + b * p.gates, *h = i;
                if (run->lstm) {
                    real *restrict f = i + H, *restrict g = f + H, *restrict o = g + H;
                    const real *restrict c_prev = run->c + ((l * (T + 1) + t) * B + b) * H;
                    real *restrict c = run->c + ((l * (T + 1) + t + 1) * B + b) * H;
                    h = seen + B * size + b * size + size - H; /* where the next step of this layer sees it */
                    sigmoids(2 * H, i);
                    tanhs(H, g);
                    sigmoids(H, o);
                    for (long j = 0; j < H; j++) c[j] = f[j] * c_prev[j] + i[j] * g[j];
                    memcpy(h, c, sizeof(real) * H);
                    tanhs(H, h);
                    for (long j = 0; j < H; j++) h[j] *= o[j];
                } else
                    tanhs(H, h);
                memcpy(last ? run->top + (t * B + b) * (H + run->reads * run->width) : run->seen[l + 1] + (t * B + b) * run->size[l + 1], h,
                       sizeof(real) * H);
            }
        }
        real *y = run->emitted + t * B * p.all;
        for (long b = 0; b < B; b++) memcpy(y + b * p.all, run->heads_bias, sizeof(real) * p.all);
        const long seen_top = H + run->reads * run->width;
        product(B, H, p.all, run->top + t * B * seen_top, seen_top, 1, heads, p.all, y, p.all);
        for (long b = 0; b < B; b++) {
            squash(run, &p, y + b * p.all);
            remember(run, &p, t, b, scratch);
        }
    }
}

int forward(const Run *run) {
    real *room = malloc(sizeof(real) * forward_room(run));
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

/* through equations (9) to (5) for one head. d: the gradient of w, which becomes that of w_prev; d_dot: that of k·M(i);
   d_square: that of each row's squared length, summed over heads; scratch holds 3 N + 2 reach numbers */
static void d_address(const Run *run, const Places *p, long head, const real *restrict length, const real *y, const real *restrict w_prev,
                      const real *restrict K, const real *restrict w_c, const real *restrict w_s, const real *restrict w, real *restrict d,
                      real *d_y, real *restrict d_dot, real *restrict d_square, real *restrict d_scale, real *restrict scratch) {
    const long N = run->N, width = run->width, reach = p->reach;
    const real *k = y + p->k + head * width, *s = y + p->s + head * run->offsets;
    const real beta = y[p->beta + head], g = y[p->g + head], gamma = y[p->gamma + head];
    real *restrict w_g = scratch, *restrict circle = scratch + N; /* circle: N + 2 reach */
    real sum = 0;
    d_softmax(N, w, d);
    for (long i = 0; i < N; i++) sum += d[i] * log(w_s[i] < TINY ? TINY : w_s[i]);
    d_y[p->gamma + head] = sum;
    for (long i = 0; i < N; i++) d[i] = w_s[i] >= TINY ? gamma * d[i] / w_s[i] : 0;
    for (long i = 0; i < N; i++) w_g[i] = g * w_c[i] + (1 - g) * w_prev[i];
    wrapped(N, reach, w_g, circle);
    for (long q = 0; q < run->offsets; q++) d_y[p->s + head * run->offsets + q] = dot(N, d, circle + 2 * reach - q);
    wrapped(N, reach, d, circle);
    memset(d, 0, sizeof(real) * N);
    for (long q = 0; q < run->offsets; q++)
        for (long i = 0; i < N; i++) d[i] += s[q] * circle[i + q];
    sum = 0;
    for (long i = 0; i < N; i++) sum += d[i] * (w_c[i] - w_prev[i]);
    d_y[p->g + head] = sum;
    for (long i = 0; i < N; i++) d_dot[i] = g * d[i];
    for (long i = 0; i < N; i++) d[i] *= 1 - g;
    d_softmax(N, w_c, d_dot);
    d_y[p->beta + head] = dot(N, d_dot, K);
    const real square = dot(width, k, k) + EPS, scale = 1 / sqrt(square);
    sum = 0;
    for (long i = 0; i < N; i++) {
        real d_K = beta * d_dot[i], q = d_K * K[i];
        sum += q;
        d_square[i] -= q / (length[i] * length[i]); /* times M(i): the gradient through its length */
        d_dot[i] = d_K * scale / length[i];
    }
    *d_scale = -sum / square; /* times k */
}

/* one sequence's memory at one step, backwards; d_r [reads width] is the gradient of what was read */
static void d_remember(const Run *run, const Places *p, long t, long b, const real *d_r, real *scratch) {
    const long N = run->N, width = run->width, heads = p->heads, cell = t * run->B + b;
    const real *restrict M = run->M + cell * width * N, *w_next = run->w + (cell + run->B) * heads * N;
    const real *y = run->emitted + cell * p->all, *length = run->length + cell * N;
    real *d_y = run->d_emitted + cell * p->all, *restrict d_M = run->d_M + b * width * N, *d_w = run->d_w + b * heads * N;
    real *before = scratch, *restrict after = scratch + run->writes * N;
    for (long j = 0; j < width; j++) { /* the write: equations (4) and (3) */
        real *restrict d = d_M + j * N;
        const real *restrict m = M + j * N;
        for (long i = 0; i < N; i++) before[i] = after[i] = 1;
        for (long v = 0; v + 1 < run->writes; v++)
            for (long i = 0; i < N; i++)
                before[(v + 1) * N + i] = before[v * N + i] * (1 - y[p->e + v * width + j] * w_next[(run->reads + v) * N + i]);
        for (long v = run->writes - 1; v >= 0; v--) {
            const real *restrict w = w_next + (run->reads + v) * N, *restrict others = before + v * N;
            real *restrict d_w_v = d_w + (run->reads + v) * N, d_e = 0, d_a = 0;
            const real e = y[p->e + v * width + j], a = y[p->a + v * width + j];
            for (long i = 0; i < N; i++) {
                real q = d[i] * m[i] * others[i] * after[i];
                d_a += d[i] * w[i];
                d_e -= q * w[i];
                d_w_v[i] += d[i] * a - q * e;
                after[i] *= 1 - e * w[i];
            }
            d_y[p->e + v * width + j] = d_e;
            d_y[p->a + v * width + j] = d_a;
        }
        for (long i = 0; i < N; i++) d[i] *= after[i];
        for (long h = 0; h < run->reads; h++) { /* the read: equation (2) */
            const real *restrict w = w_next + h * N, d_rj = d_r[h * width + j];
            real *restrict d_w_h = d_w + h * N;
            for (long i = 0; i < N; i++) d[i] += d_rj * w[i], d_w_h[i] += d_rj * m[i];
        }
    }
    real *d_dot = scratch, *restrict d_square = d_dot + heads * N, *d_scale = d_square + N, *rest = d_scale + heads;
    memset(d_square, 0, sizeof(real) * N);
    for (long h = 0; h < heads; h++) {
        long at = (cell * heads + h) * N;
        d_address(run, p, h, length, y, run->w + at, run->K + at, run->w_c + at, run->w_s + at, w_next + h * N, d_w + h * N, d_y,
                  d_dot + h * N, d_square, d_scale + h, rest);
    }
    for (long j = 0; j < width; j++) { /* the similarity: equation (6) */
        real *restrict d = d_M + j * N;
        const real *restrict m = M + j * N;
        for (long i = 0; i < N; i++) d[i] += d_square[i] * m[i];
        for (long h = 0; h < heads; h++) {
            const real *restrict from = d_dot + h * N, k = y[p->k + h * width + j];
            real sum = 0;
            for (long i = 0; i < N; i++) sum += from[i] * m[i], d[i] += k * from[i];
            d_y[p->k + h * width + j] = sum + d_scale[h] * k;
        }
    }
    d_squash(run, p, y, d_y);
}

static long backward_room(const Run *run) {
    const long heads = run->reads + run->writes, R = run->reads * run->width;
    long widest = 0;
    for (long l = 0; l < run->layers; l++)
        widest = run->size[l] > widest ? run->size[l] : widest;
    return R + run->B * (run->hidden + widest) + (run->writes + heads + 8) * run->N + heads;
}

static void backwards(const Run *run, real *room) {
    const Places p = places(run);
    const long T = run->T, B = run->B, H = run->hidden, R = run->reads * run->width;
    const long seen_top = H + R, rest = (run->writes + p.heads + 8) * run->N + p.heads;
    real *d_r = room, *scratch = d_r + R, *d_up = scratch + rest, *d_seen = d_up + B * H;
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
                    const real *restrict c_prev = run->c + ((l * (T + 1) + t) * B + b) * H, *h_next = run->d_h + (l * B + b) * H;
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
            memset(d_seen, 0, sizeof(real) * B * size);
            product(B, p.gates, size, d_z, p.gates, 1, run->layer[l], size, d_seen, size);
            for (long b = 0; b < B; b++) {
                const real *d = d_seen + b * size;
                if (run->lstm) memcpy(run->d_h + (l * B + b) * H, d + size - H, sizeof(real) * H);
                if (l) {
                    memcpy(d_up + b * H, d, sizeof(real) * H);
                } else {
                    if (run->d_x) /* update does not ask for it */
                        memcpy(run->d_x + (t * B + b) * run->inputs, d, sizeof(real) * run->inputs);
                    memcpy(run->d_r + b * R, d + run->inputs, sizeof(real) * R);
                }
            }
        }
    }
}

int backward(const Run *run) {
    real *room = malloc(sizeof(real) * backward_room(run));
    backwards(run, room);
    free(room);
    return 0;
}

/* ---- the cost and the output layer ---- */

static void linear_gradient(long rows, long G, long K, const real *d, const real *seen, long ld,
                            real *weight, real *bias) {
    memset(weight, 0, sizeof(real) * G * K);
    memset(bias, 0, sizeof(real) * G);
    for (long n = 0; n < rows; n += 128) /* so many rows stay in the second cache */
        product(G, rows - n < 128 ? rows - n : 128, K, d + n * G, 1, G, seen + n * ld, ld, weight, K);
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
    /* the sequences, time first; the numbers of one step are together, steps so many numbers apart */
    const real *x, *y, *mask;
    long x_step, y_step, mask_step;
    double lr, first, second, eps; /* decay and momentum, or β1 and β2 */
    double clip, clip_each;        /* infinite where there is none */
    real *room;                    /* update_room numbers to work in; nothing in it is kept */
    double cost, norm;             /* what came of it: bits a sequence, the gradient before clipping */
} Update;

typedef struct {
    real *output, *logits, *q, *d_top, *work;
} Desk;

static real *place(real *room, long *used, long n) {
    real *at = room + *used;
    *used += (n + LANES - 1) / LANES * LANES;
    return at;
}

/* every array gets its place in the room; returns how many numbers they take */
static long lay_out(const Update *u, Run *run, real **seen, long *size, Desk *desk) {
    const long L = run->layers, T = run->T, B = run->B, N = run->N, H = run->hidden;
    const long R = run->reads * run->width, rows = T * B, slots = run->width * N;
    const Places p = places(run);
    real *room = u->room;
    long used = 0;
    for (long l = 0; l < L; l++) {
        size[l] = (l ? H : run->inputs + R) + (run->lstm ? H : 0);
        seen[l] = place(room, &used, (rows + B) * size[l]);
    }
    run->size = size, run->seen = seen, run->keep = 1, run->d_x = 0;
    run->gates = place(room, &used, L * rows * p.gates);
    run->d_gates = place(room, &used, L * rows * p.gates);
    run->c = place(room, &used, run->lstm ? L * (rows + B) * H : 0);
    run->top = place(room, &used, rows * (H + R));
    desk->d_top = place(room, &used, rows * (H + R));
    run->emitted = place(room, &used, rows * p.all);
    run->d_emitted = place(room, &used, rows * p.all);
    run->M = place(room, &used, (rows + B) * slots);
    run->w = place(room, &used, (rows + B) * p.heads * N);
    run->length = place(room, &used, rows * N);
    run->K = place(room, &used, rows * p.heads * N);
    run->w_c = place(room, &used, rows * p.heads * N);
    run->w_s = place(room, &used, rows * p.heads * N);
    run->d_M = place(room, &used, B * slots);
    run->d_w = place(room, &used, B * p.heads * N);
    run->d_r = place(room, &used, B * R);
    run->d_h = place(room, &used, L * B * H);
    run->d_c = place(room, &used, L * B * H);
    desk->output = place(room, &used, u->outputs * (H + R));
    desk->logits = place(room, &used, rows * u->outputs);
    desk->q = place(room, &used, rows * u->outputs);
    const long forth = forward_room(run), back = backward_room(run);
    desk->work = place(room, &used, forth > back ? forth : back);
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

/* The cost, in nats: the cross-entropy of what is scored, as the mean over the sequences.
   The logits z become its gradient. */
static double cross_entropy(const Update *u, const Run *run, real *restrict z, real *restrict q) {
    const long B = run->B, O = u->outputs, all = run->T * B * O;
    double sum = 0;
    for (long i = 0; i < all; i++) q[i] = exp(z[i] < 0 ? z[i] : -z[i]);
    for (long t = 0; t < run->T; t++)
        for (long b = 0; b < B; b++) {
            const real *y = u->y + t * u->y_step + b * O, m = u->mask[t * u->mask_step + b];
            const long at = (t * B + b) * O;
            for (long o = 0; o < O; o++) {
                const real zo = z[at + o], qo = q[at + o], probability = (zo < 0 ? qo : 1) / (1 + qo);
                z[at + o] = m / B * (probability - y[o]);
                sum += m * ((zo > 0 ? zo : 0) - zo * y[o]);
                q[at + o] = qo;
            }
        }
    for (long i = 0; i < all; i++) q[i] = log1p(q[i]);
    for (long t = 0; t < run->T; t++)
        for (long b = 0; b < B; b++)
            for (long o = 0; o < O; o++)
                sum += u->mask[t * u->mask_step + b] * q[(t * B + b) * O + o];
    return sum / B;
}

/* gradients of all that is learned, from what backwards left */
static void gradients(const Update *u, const Run *run, const real *d_logits) {
    const Parameter *p = u->parameters;
    const Places places_ = places(run);
    const long B = run->B, N = run->N, width = run->width, R = run->reads * width, H = run->hidden;
    const long rows = run->T * B, all = places_.heads * N;
    for (const Parameter *q = p; q <= p + W_0; q++)
        if (q->d) memset(q->d, 0, sizeof(real) * q->size);
    for (long b = 0; b < B; b++) {
        for (long i = 0; i < R; i++) p[R_0].d[i] += run->d_r[b * R + i];
        for (long i = 0; i < N * width && p[M_0].d; i++)
            p[M_0].d[i] += run->d_M[(b * width + i % width) * N + i / width];
        for (long i = 0; i < all && p[W_0].d; i++) p[W_0].d[i] += run->d_w[b * all + i];
        for (long l = 0; l < run->layers && run->lstm; l++)
            for (long i = 0; i < H; i++) {
                p[H_0].d[l * H + i] += run->d_h[(l * B + b) * H + i];
                p[C_0].d[l * H + i] += run->d_c[(l * B + b) * H + i];
            }
    }
    for (long h = 0; h < places_.heads && p[W_0].d; h++)
        d_softmax(N, run->w + h * N, p[W_0].d + h * N);
    linear_gradient(rows, places_.all, H, run->d_emitted, run->top, H + R, p[HEADS].d, p[HEADS_BIAS].d);
    linear_gradient(rows, u->outputs, H + R, d_logits, run->top, H + R, p[OUTPUT].d, p[OUTPUT_BIAS].d);
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

/* how many numbers the room of an update must have */
long update_room(const Update *u) {
    Run run = u->run;
    real *seen[run.layers];
    long size[run.layers];
    Desk desk;
    return lay_out(u, &run, seen, size, &desk);
}

/* Returns 1; or 0, with weights and optimiser as they were, where cost or gradient is not finite */
int update(Update *u) {
    Run run = u->run;
    const long L = run.layers, top = run.hidden + run.reads * run.width, rows = run.T * run.B;
    const Parameter *p = u->parameters, *end = p + LAYER + 2 * L;
    const real *layer[L], *bias[L];
    real *seen[L];
    long size[L];
    Desk desk;
    lay_out(u, &run, seen, size, &desk);
    for (long l = 0; l < L; l++) {
        layer[l] = p[LAYER + 2 * l].x;
        bias[l] = p[LAYER + 2 * l + 1].x;
    }
    run.layer = layer, run.bias = bias, run.heads = p[HEADS].x, run.heads_bias = p[HEADS_BIAS].x;
    begin(u, &run);
    forwards(&run, desk.work);
    transpose(u->outputs, top, p[OUTPUT].x, desk.output);
    for (long n = 0; n < rows; n++)
        memcpy(desk.logits + n * u->outputs, p[OUTPUT_BIAS].x, sizeof(real) * u->outputs);
    product(rows, top, u->outputs, run.top, top, 1, desk.output, u->outputs, desk.logits, u->outputs);
    u->cost = cross_entropy(u, &run, desk.logits, desk.q) / 0.6931471805599453;
    if (!isfinite(u->cost)) return 0;
    memset(desk.d_top, 0, sizeof(real) * rows * top);
    product(rows, u->outputs, top, desk.logits, u->outputs, 1, p[OUTPUT].x, top, desk.d_top, top);
    memset(run.d_M, 0, sizeof(real) * run.B * run.width * run.N);
    memset(run.d_w, 0, sizeof(real) * run.B * (run.reads + run.writes) * run.N);
    memset(run.d_r, 0, sizeof(real) * run.B * run.reads * run.width);
    memset(run.d_h, 0, sizeof(real) * L * run.B * run.hidden);
    memset(run.d_c, 0, sizeof(real) * L * run.B * run.hidden);
    backwards(&run, desk.work);
    gradients(u, &run, desk.logits);
    u->norm = clipped(p, end, u->clip, u->clip_each);
    if (!isfinite(u->norm)) return 0;
    for (const Parameter *q = p; q < end; q++) {
        if (!q->d) continue;
        if (u->adam)
            adam(q->size, q->x, q->d, q->state[0], q->state[1], q->step, u->lr, u->first, u->second, u->eps);
        else
            rmsprop(q->size, q->x, q->d, q->state[0], q->state[1], q->state[2], u->lr, u->first, u->second, u->eps);
    }
    return 1;
}
