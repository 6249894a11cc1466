"""One recipe for all of the kin that learn by batches: the NTM and the LSTM have ntm.train."""

import math

import torch

from ..tasks import bits


def fit(model, sample, loss, updates, lr, seed, every=25):
    """Teach with Adam: the rate rises for 50 updates and falls as a cosine; norm clipped at 1.

    sample(generator) draws a batch; loss(model, batch) is a scalar. Returns its means over `every`
    updates.
    """
    generator, curve = torch.Generator().manual_seed(seed), []
    optimizer = torch.optim.Adam(model.parameters(), lr)
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # what a model draws itself: slots, hard looks
        for i in range(updates):
            rate = lr * min(1, (i + 1) / 50) * (1 + math.cos(math.pi * i / updates)) / 2
            for group in optimizer.param_groups:
                group["lr"] = rate
            lost = loss(model, sample(generator))
            optimizer.zero_grad()
            lost.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            curve.append(lost.item())
    model.eval()
    return [sum(curve[i : i + every]) / every for i in range(0, updates - every + 1, every)]


def per_question(model, batch):
    """The loss on the shared task: bits a question, or what the model says that it learns by."""
    lost = model.loss(batch) if hasattr(model, "loss") else bits(model(batch.x), batch).mean()
    return lost / batch.mask[:, 0].sum()
