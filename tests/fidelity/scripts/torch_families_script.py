"""The shortest PyTorch programs for today's families; knows nothing of Benchsite."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
job = json.loads(sys.argv[1])
depth, width, classes, size = job["depth"], job["width"], job["classes"], job["batch"]
data = np.load(job["data"])
x, y = torch.tensor(data["x"]), torch.tensor(data["y"])


def convolution(before, after, stride):
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after))


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.body = nn.Sequential(convolution(before, after, stride), nn.ReLU(), convolution(after, after, 1))
        self.stride, self.new = stride, after - before

    def forward(self, x):
        around = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new)) if self.stride > 1 else x
        return F.relu(self.body(x) + around)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, before = [convolution(x.shape[1], width, 1), nn.ReLU()], width
        for stage in range(3):
            for block in range(depth):
                after = width * 2**stage
                blocks.append(Block(before, after, 2 if stage and not block else 1))
                before = after
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(before, classes)

    def forward(self, x):
        return self.head(self.blocks(x).mean(dim=(2, 3)))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.recurrent, self.head = kind(x.shape[2], width, depth, batch_first=True), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


class Layer(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.register_buffer("later", torch.ones(steps, steps, dtype=torch.bool).triu(1))

    def forward(self, x):
        seen = self.norms[0](x)
        x = x + self.attention(seen, seen, seen, attn_mask=self.later, is_causal=True, need_weights=False)[0]
        return x + self.mlp(self.norms[1](x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(classes, width), nn.Embedding(x.shape[1], width)
        self.layers = nn.Sequential(*[Layer(x.shape[1]) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.norm(self.layers(self.tokens(x) + self.places.weight))).flatten(0, 1)


if job["type"] == "resnet":
    x = x.permute(0, 3, 1, 2).contiguous()
MODELS = {
    "resnet": ResNet,
    "lstm": lambda: Recurrent(nn.LSTM),
    "gru": lambda: Recurrent(nn.GRU),
    "transformer": Transformer,
}
model = MODELS[job["type"]]()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_function = nn.CrossEntropyLoss()

epochs = []
for epoch in range(job["epochs"]):
    order = torch.tensor(np.random.default_rng(epoch).permutation(len(y))[: len(y) // size * size].reshape(-1, size))
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in order:
        loss = loss_function(model(x[batch]), y[batch].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    epochs.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(epochs))
