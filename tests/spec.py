"""The specification the package is held to: the paper's sums as plain loops over Python floats, one
sequence at a time.

Nothing here is shared with ntm, and nothing is vectorised. A matrix is a list of rows. Equation
numbers are the paper's.
"""

import math

ε = 1e-6  # the one departure: inside each norm of equation (6); the paper has none


def read(M, w):
    """(2): r = Σ_i w(i) M(i)."""
    return [sum(w[i] * M[i][j] for i in range(len(M))) for j in range(len(M[0]))]


def erase(M, w, e):
    """(3): M̃(i) = M(i) [1 − w(i) e], for one head."""
    return [[M[i][j] * (1 - w[i] * e[j]) for j in range(len(e))] for i in range(len(M))]


def add(M, w, a):
    """(4): M(i) = M̃(i) + w(i) a, for one head."""
    return [[M[i][j] + w[i] * a[j] for j in range(len(a))] for i in range(len(M))]


def K(u, v, ε=ε):
    """(6): u · v / (|u| |v|)."""
    dot = sum(x * y for x, y in zip(u, v))
    return dot / math.sqrt(sum(x * x for x in u) + ε) / math.sqrt(sum(y * y for y in v) + ε)


def softmax(z):
    top = max(z)
    powers = [math.exp(x - top) for x in z]
    return [p / sum(powers) for p in powers]


def content(M, k, β, ε=ε):
    """(5)."""
    return softmax([β * K(k, row, ε) for row in M])


def interpolate(w_c, w_prev, g):
    """(7)."""
    return [g * c + (1 - g) * p for c, p in zip(w_c, w_prev)]


def shift(w_g, s):
    """(8): w̃(i) = Σ_j w_g(j) s(i − j), where the entry s[n] belongs to the offset n − shift_range,
    all modulo N."""
    N, reach = len(w_g), len(s) // 2
    around = [0.0] * N
    for n, mass in enumerate(s):
        around[(n - reach) % N] += mass
    return [sum(w_g[j] * around[(i - j) % N] for j in range(N)) for i in range(N)]


def sharpen(w, γ):
    """(9)."""
    powers = [x**γ for x in w]
    return [p / sum(powers) for p in powers]


def address(M, k, β, g, s, γ, w_prev):
    """(5) to (9)."""
    return sharpen(shift(interpolate(content(M, k, β), w_prev, g), s), γ)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softplus(x):
    return math.log1p(math.exp(x))


def linear(x, weight, bias):
    return [sum(a * b for a, b in zip(row, x, strict=True)) + c
            for row, c in zip(weight, bias, strict=True)]


def lstm(gates, c_prev):
    """One LSTM layer from its 4H gates before squashing, in the order i, f, g, o. Returns h, c."""
    H = len(c_prev)
    i, f, g, o = (gates[n * H : (n + 1) * H] for n in range(4))
    c = [sigmoid(f[n]) * c_prev[n] + sigmoid(i[n]) * math.tanh(g[n]) for n in range(H)]
    return [sigmoid(o[n]) * math.tanh(c[n]) for n in range(H)], c


def take(numbers, rows, columns):
    return [[next(numbers) for _ in range(columns)] for _ in range(rows)]


def machine(ntm, x):
    """A whole NTM over one sequence x [T][inputs]: the logits [T][outputs], and for each step (M,
    w, r) after it.

    Only the weights are taken from `ntm`, by name, as nested lists.
    """
    p = {name: value.detach().tolist() for name, value in ntm.state_dict().items()}
    size = ntm.settings
    width, reads, writes, offsets = (size["width"], size["read_heads"], size["write_heads"],
                                     2 * size["shift_range"] + 1)
    heads = reads + writes
    M, r = p["M_0"], p["r_0"]
    w = [softmax(logits) for logits in p["w_0"]]
    recurrent = size["controller"] == "lstm"
    if recurrent:
        h_prev, c_prev = ([layer[0] for layer in p["controller.h_0"]],
                          [layer[0] for layer in p["controller.c_0"]])
    steps = []
    for x_t in x:
        below = x_t + [number for vector in r for number in vector]
        for layer in range(size["layers"]):
            W, b = p[f"controller.layers.{layer}.weight"], p[f"controller.layers.{layer}.bias"]
            if recurrent:
                below, c_prev[layer] = lstm(linear(below + h_prev[layer], W, b), c_prev[layer])
                h_prev[layer] = below
            else:
                below = [math.tanh(z) for z in linear(below, W, b)]
        h = below

        numbers = iter(linear(h, p["heads.linear.weight"], p["heads.linear.bias"]))
        k, β, g, s, γ, e, a = [take(numbers, *shape) for shape in [
            (heads, width), (heads, 1), (heads, 1), (heads, offsets), (heads, 1), (writes, width),
            (writes, width)]]
        assert next(numbers, None) is None
        w = [address(M, [math.tanh(z) for z in k[n]], softplus(β[n][0]), sigmoid(g[n][0]),
                     softmax(s[n]), 1 + softplus(γ[n][0]), w[n])
             for n in range(heads)]
        r = [read(M, w[n]) for n in range(reads)]  # before anything is written
        for n in range(writes):
            M = erase(M, w[reads + n], [sigmoid(z) for z in e[n]])
        for n in range(writes):
            M = add(M, w[reads + n], [math.tanh(z) for z in a[n]])
        y = linear(h + [number for vector in r for number in vector], p["output.weight"],
                   p["output.bias"])
        steps.append((y, M, w, r))
    return steps


def baseline(model, x):
    """The three-layer LSTM over one sequence: every layer sees x and a constant 1, and reaches the
    output. Returns logits [T][outputs]."""
    p = {name: value.detach().tolist() for name, value in model.state_dict().items()}
    layers = model.settings["layers"]
    h, c = [layer[0] for layer in p["h_0"]], [layer[0] for layer in p["c_0"]]
    logits = []
    for x_t in x:
        below = []
        for layer in range(layers):
            # the module's order of inputs: x, then what the layer below says, and the constant
            # where each puts it
            seen = x_t + [1.0] if layer == 0 else x_t + [1.0] + below
            gates = [sum(a * b for a, b in zip(row, seen, strict=True))
                     for row in p[f"layers.{layer}.weight_ih_l0"]]
            gates = [z + sum(a * b for a, b in zip(row, h[layer]))
                     for z, row in zip(gates, p[f"layers.{layer}.weight_hh_l0"])]
            below, c[layer] = lstm(gates, c[layer])
            h[layer] = below
        logits.append(linear([number for layer in h for number in layer], p["output.weight"],
                             p["output.bias"]))
    return logits


def rmsprop(θ, gradients, lr, decay, momentum, eps):
    """Graves 2013, equations (38) to (45), for one parameter. Returns it after every step."""
    n = m = Δ = 0.0
    path = []
    for d in gradients:
        n = decay * n + (1 - decay) * d * d
        m = decay * m + (1 - decay) * d
        Δ = momentum * Δ - lr * d / math.sqrt(n - m * m + eps)
        θ += Δ
        path.append(θ)
    return path


def copy(data):
    """The copy task for bit vectors `data` [L][width]: inputs, targets and mask, step by step."""
    L, width = len(data), len(data[0])
    silence = [0.0] * width
    x = (
        [silence + [1.0, 0.0]]
        + [v + [0.0, 0.0] for v in data]
        + [silence + [0.0, 1.0]]
        + [silence + [0.0, 0.0]] * L
    )
    y = [silence] * (L + 2) + data
    return x, y, [0.0] * (L + 2) + [1.0] * L


def bits(logits, y, mask):
    """−Σ log2 of the probability given to each scored bit."""
    cost = 0.0
    for z_t, y_t, scored in zip(logits, y, mask):
        for z, bit in zip(z_t, y_t):
            cost -= scored * math.log2(sigmoid(z) if bit else sigmoid(-z))
    return cost
