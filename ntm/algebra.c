/* The linear algebra of kernel.c: small matrix products, what is done to n numbers at a time. */

/* ---- a matrix product: out[B][G] += in[B][K] W[K][G], with in[b][k] at in[b row + k step] ---- */

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
            if (skip <= v * LANES)
                *(vec *)(out + r * ld_out + v * LANES) += sum[r][v];
            else
                for (long j = skip - v * LANES; j < LANES; j++)
                    out[r * ld_out + v * LANES + j] += sum[r][v][j];
}

/* the product in strips of so many columns; the last begins earlier and skips what is done */
INLINE void strips(const int rows, const int vecs, long B, long K, long G, const real *in, long row,
                   long step, const real *W, long ld, real *out, long ld_out) {
    for (long j = 0; j < G; j += vecs * LANES) {
        const long at = j + vecs * LANES <= G ? j : G - vecs * LANES;
        long b = 0;
        for (; b + rows <= B; b += rows)
            tile(rows, vecs, K, in + b * row, row, step, W + at, ld, out + b * ld_out + at, ld_out,
                 j - at);
        for (; b < B; b++)
            tile(1, vecs, K, in + b * row, row, step, W + at, ld, out + b * ld_out + at, ld_out,
                 j - at);
    }
}

static void product(long B, long K, long G, const real *in, long row, long step, const real *W,
                    long ld, real *out, long ld_out) {
    if (B == 1 && G >= 8 * LANES) /* each as much as the registers hold */
        strips(1, 8, B, K, G, in, row, step, W, ld, out, ld_out);
    else if (B < 4 && G >= 4 * LANES)
        strips(2, 4, B, K, G, in, row, step, W, ld, out, ld_out);
    else if (G >= 3 * LANES)
        strips(4, 3, B, K, G, in, row, step, W, ld, out, ld_out);
    else if (G >= LANES)
        strips(4, 1, B, K, G, in, row, step, W, ld, out, ld_out);
    else
        for (long b = 0; b < B; b++)
            for (long j = 0; j < G; j++) {
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

static void sigmoids(long n, real *x) { for (long i = 0; i < n; i++) x[i] = sigmoid(x[i]); }
static void tanhs(long n, real *x) {
    for (long i = 0; i < n; i++) x[i] = 1 - 2 / (1 + exp(2 * x[i]));
}
static void softmax(long n, real *restrict x) {
    real most = x[0], sum = 0, lane[LANES]; /* lane by lane: as one, the compiler takes it singly */
    for (long j = 0; j < LANES; j++) lane[j] = x[0];
    long k = 0;
    for (; k + LANES <= n; k += LANES)
        for (long j = 0; j < LANES; j++) lane[j] = x[k + j] > lane[j] ? x[k + j] : lane[j];
    for (long j = 0; j < LANES; j++) most = lane[j] > most ? lane[j] : most;
    for (; k < n; k++) most = x[k] > most ? x[k] : most;
    for (long i = 0; i < n; i++) x[i] = exp(x[i] - most), sum += x[i];
    for (long i = 0; i < n; i++) x[i] *= 1 / sum;
}
static inline real dot(long n, const real *restrict a, const real *restrict b) {
    real sum = 0;
    for (long i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}
/* out[r][c] = a[r] · b[c]: four rows of b at a time, so that no sum waits for the one before */
static void dots(long R, long C, long n, const real *restrict a, const real *restrict b,
                 real *out) {
    for (long r = 0; r < R; r++, a += n, out += C) {
        long c = 0;
        for (; c + 4 <= C; c += 4) {
            const real *b0 = b + c * n, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
            real s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            for (long i = 0; i < n; i++)
                s0 += a[i] * b0[i], s1 += a[i] * b1[i], s2 += a[i] * b2[i], s3 += a[i] * b3[i];
            out[c] = s0, out[c + 1] = s1, out[c + 2] = s2, out[c + 3] = s3;
        }
        for (; c < C; c++) out[c] = dot(n, a, b + c * n);
    }
}
/* gradient of a softmax: d becomes y (d - Σ d y) */
static void d_softmax(long n, const real *restrict y, real *restrict d) {
    real sum = dot(n, y, d);
    for (long i = 0; i < n; i++) d[i] = y[i] * (d[i] - sum);
}
/* a linear map: out[b] = bias + W in[b], W [G][K]; turned is W transposed, for several b alone */
static void linear(long B, long K, long G, const real *in, long ld_in, const real *W,
                   const real *turned, const real *bias, real *out) {
    if (B == 1) { /* the rows of W as they lie are the shorter way */
        dots(1, G, K, in, W, out);
        for (long g = 0; g < G; g++) out[g] += bias[g];
        return;
    }
    for (long b = 0; b < B; b++) memcpy(out + b * G, bias, sizeof(real) * G);
    product(B, K, G, in, ld_in, 1, turned, G, out, G);
}

/* one over the length of every slot of a memory M [width][N] */
static void inverse_lengths(long N, long width, const real *M, real *restrict out) {
    long i = 0;
    for (; i + 4 * LANES <= N; i += 4 * LANES) {
        vec sum[4] = {{0}};
        for (long j = 0; j < width; j++)
            for (int v = 0; v < 4; v++) {
                const vec m = *(const vec *)(M + j * N + i + v * LANES);
                sum[v] += m * m;
            }
        for (int v = 0; v < 4; v++) *(vec *)(out + i + v * LANES) = sum[v];
    }
    for (; i < N; i++) {
        out[i] = 0;
        for (long j = 0; j < width; j++) out[i] += M[j * N + i] * M[j * N + i];
    }
    for (i = 0; i < N; i++) out[i] = 1 / sqrt(out[i] + EPS);
}

/* the ends of x repeated round the circle: `reach` numbers before it and after it */
static void wrap(long N, long reach, real *x) {
    memcpy(x - reach, x + N - reach, sizeof(real) * reach);
    memcpy(x + N, x, sizeof(real) * reach);
}
