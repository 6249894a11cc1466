"""The k nearest keys without reading every row: what a memory of many slots is searched with.

`nearest` looks at all keys. `Index` asks the library faiss, which does not (`pip install
"ntm-book[index]"`), and looks at all where it is not installed.
"""

import torch

try:
    import faiss
except ImportError:
    faiss = None


def nearest(query, keys, k):
    """Which k of keys [..., N, d] have the largest dot products with each query [..., n, d], best
    first: [..., n, k]; all N where there are fewer. For the largest cosines, normalise both."""
    products = query @ keys.transpose(-1, -2)
    return products.topk(min(k, products.shape[-1]), dim=-1).indices


class Index:
    """Keys that are added and never taken away, searched as by `nearest`.

    With faiss, a graph of near keys that a search walks along (HNSW, Malkov and Yashunin 2016): its
    cost grows with log N, not with N, and now and then it misses one. links: edges of a key.
    looks: candidates that a search keeps; above N it is exact, or nearly. exact: look at all; by
    default only where faiss is not installed.
    """

    def __init__(self, d, links=16, looks=64, exact=None):
        self.keys, self.graph = torch.empty(0, d), None
        if not (faiss is None if exact is None else exact):
            self.graph = faiss.IndexHNSWFlat(d, links, faiss.METRIC_INNER_PRODUCT)
            self.graph.hnsw.efSearch = looks

    def __len__(self):
        return len(self.keys) if self.graph is None else self.graph.ntotal

    def add(self, keys):
        """keys [n, d] get the next n numbers."""
        if self.graph is None:
            self.keys = torch.cat([self.keys.to(keys), keys.detach()])
        else:
            self.graph.add(keys.detach().float().contiguous().numpy())

    def nearest(self, query, k):
        """The numbers of the k keys nearest to each query [n, d]: [n, k]."""
        if self.graph is None:
            return nearest(query.detach(), self.keys.to(query), k)
        rows = query.detach().float().contiguous().numpy()
        return torch.from_numpy(self.graph.search(rows, min(k, len(self)))[1])
