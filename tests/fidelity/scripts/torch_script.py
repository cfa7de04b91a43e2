"""The shortest PyTorch program for the study's networks; knows nothing of Benchsite."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
job = json.loads(sys.argv[1])
data = np.load(job["data"])
x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
if x.ndim == 4:
    x = x.permute(0, 3, 1, 2).contiguous()

model = nn.Sequential()
kernels = [data[f"w{i}"] for i in range(0, job["weights"], 2)]
for number, w in enumerate(kernels):
    if w.ndim == 4:
        model.extend([nn.Conv2d(w.shape[2], w.shape[3], 5), nn.ReLU(), nn.MaxPool2d(2)])
        model[-3].weight.data = torch.tensor(w).permute(3, 2, 0, 1).contiguous()
    else:
        model.extend([nn.Flatten()] if number and kernels[number - 1].ndim == 4 else [])
        model.append(nn.Linear(*w.shape))
        model[-1].weight.data = torch.tensor(w).t().contiguous()
        model.extend([nn.ReLU()] if number + 1 < len(kernels) else [])
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_function = nn.CrossEntropyLoss()

epochs = []
for epoch in range(job["epochs"]):
    order = torch.tensor(np.random.default_rng(epoch).permutation(len(y)).reshape(-1, 100))
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in order:
        loss = loss_function(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    epochs.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(epochs))
