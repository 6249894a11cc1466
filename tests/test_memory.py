"""Equations (2) to (4): reading, erasing, adding."""

import pytest
import spec
import torch
from cases import cases, smooth
from hypothesis import given
from torch.testing import assert_close

from ntm.memory import add, erase, read


@given(cases)
def test_every_function_equals_its_sum(c):
    r, erased, added = read(c.M, c.w), erase(c.M, c.w, c.e), add(c.M, c.w, c.a)
    assert (r.shape, erased.shape, added.shape) == ((c.B, c.heads, c.width), c.M.shape, c.M.shape)
    for b in range(c.B):
        M, w, e, a = c.M[b].tolist(), c.w[b].tolist(), c.e[b].tolist(), c.a[b].tolist()
        assert_close(r[b].tolist(), [spec.read(M, w_h) for w_h in w])
        M_erased = M_added = M
        for h in range(c.heads):
            M_erased, M_added = spec.erase(M_erased, w[h], e[h]), spec.add(M_added, w[h], a[h])
        assert_close(erased[b].tolist(), M_erased)
        assert_close(added[b].tolist(), M_added)


@given(cases)
def test_the_order_of_the_heads_does_not_matter_and_slots_rotate_together(c):
    assert_close(erase(c.M, c.w.flip(1), c.e.flip(1)), erase(c.M, c.w, c.e))
    assert_close(add(c.M, c.w.flip(1), c.a.flip(1)), add(c.M, c.w, c.a))
    M, w = c.M.roll(1, 1), c.w.roll(1, 2)
    assert_close(read(M, w), read(c.M, c.w))
    assert_close(erase(M, w, c.e), erase(c.M, c.w, c.e).roll(1, 1))
    assert_close(add(M, w, c.a), add(c.M, c.w, c.a).roll(1, 1))


@given(cases)
def test_a_batch_equals_one_by_one(c):
    for f, last in [(read, ()), (erase, (c.e,)), (add, (c.a,))]:
        alone = [f(*(value[b : b + 1] for value in (c.M, c.w, *last))) for b in range(c.B)]
        assert_close(f(c.M, c.w, *last), torch.cat(alone))


def test_limits():
    M, w = torch.randn(1, 5, 3), torch.eye(5)[None, 2:3]  # one head, all of it on slot 2
    one, zero = torch.ones(1, 1, 3), torch.zeros(1, 1, 3)
    assert torch.equal(read(M, w)[0, 0], M[0, 2])
    assert_close(read(M, torch.full((1, 1, 5), 0.2)), M.mean(1, keepdim=True))
    assert torch.equal(erase(M, w, zero), M) and torch.equal(add(M, w, zero), M)
    wiped = erase(M, w, one)
    assert (wiped[0, 2] == 0).all() and torch.equal(wiped[0, [0, 1, 3, 4]], M[0, [0, 1, 3, 4]])
    assert_close(read(add(wiped, w, torch.tensor([[[1.0, -2.0, 3.0]]])), w),
                 torch.tensor([[[1.0, -2.0, 3.0]]]))
    twice = erase(M, w.expand(1, 2, 5), torch.full((1, 2, 3), 0.5))
    assert_close(twice[0, 2], M[0, 2] / 4)  # two heads erase one after the other


@pytest.mark.parametrize("f, names", [(read, "M w"), (erase, "M w e"), (add, "M w a")])
def test_gradients(f, names):
    assert torch.autograd.gradcheck(f, [getattr(smooth(), name) for name in names.split()])
