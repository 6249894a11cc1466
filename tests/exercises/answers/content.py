"""Answers to the exercises of book/content.ipynb, and what the checkers must say of them."""

import math

import torch

from ntm.addressing import content


def dot(M, k):
    return torch.softmax(k @ M.transpose(-1, -2) / k.shape[-1] ** 0.5, dim=-1)


def known_only(M, k, β, known, ε=1e-6):
    rows, keys = M.unsqueeze(1) * known.unsqueeze(2), (k * known).unsqueeze(2)
    lengths = ((rows.square().sum(-1) + ε) * (keys.square().sum(-1) + ε)).sqrt()
    return torch.softmax(β.unsqueeze(-1) * (rows * keys).sum(-1) / lengths, dim=-1)


def key_between():
    return [
        (..., "two numbers"),
        ("north", "two numbers"),
        ((0.0, 0.0), "largest"),
        ((-2.0, -1.0), "largest"),
        ((4.0, 4.0), "Half way"),
        ((3.0, 1.0), "should be equal"),
        ((2.0, 1.0), "Correct: "),
        (torch.tensor([1.6, 0.8]), "Correct: "),
    ]


def strength_for():
    return [
        (lambda N, p: None, "None"),
        (lambda N, p: math.log(p / (1 - p)), "right row gets"),
        (lambda N, p: 1 / 0, "ZeroDivisionError"),
        (lambda N, p: math.log(p * (N - 1) / (1 - p)), "Correct: "),
    ]


def content_of_known():
    return [
        (lambda M, k, β, known: None, "None"),
        (lambda M, k, β, known: content(M, k, β), "known columns"),
        (lambda M, k, β, known: content(M, k * known, β), "known columns"),
        (lambda M, k, β, known: known_only(M, k, β, known, ε=0.0), "NaN"),
        (lambda M, k, β, known: known_only(M, k, 1, known), "AttributeError"),
        (lambda M, k, β, known: known_only(M, k, 0 * β, known), "equation (5)"),
        (lambda M, k, β, known: M, "[2, 6, 5]"),
        (known_only, "Correct: "),
    ]


def attention():
    return [
        (lambda M, k: None, ..., "None"),
        (lambda M, k: k @ M.transpose(-1, -2), 1, "sum to 1"),
        (lambda M, k: torch.softmax(k @ M.transpose(-1, -2), -1), 1, "root of the width"),
        (dot, 0, "largest weight"),
        (dot, ..., "largest weight"),
        (dot, 1, "Correct: "),
    ]


def shared_direction():
    return [
        (..., "dictionary"),
        ({0: 9.0}, "three offsets"),
        ({0: 9.0, 1: None, 2: 48}, "numbers"),
        ({0: 9.0, 1: 9.0, 2: 9.0}, "at offset 1"),
        ({0: 9.0, 1: 17.0, 2: 48.0}, "Correct: "),
    ]
