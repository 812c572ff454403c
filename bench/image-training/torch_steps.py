"""The training steps of a network that sees, in PyTorch on one thread, for `npm run bench -- image-training`.

Reads one JSON object from standard input and prints one: the same network, starting parameters, rows and optimiser as the
embedded trainer's, so that the losses of the steps must be the same, and the milliseconds of a step.
"""

import base64
import json
import sys
import time

import torch
import torch.nn.functional as F


def tensor(text: str, dtype: torch.dtype, shape: list[int]) -> torch.Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=dtype).reshape(shape)


def see(layers: list[dict], prefix: str, planes_to: str, p: dict[str, torch.Tensor], picture: torch.Tensor) -> torch.Tensor:
    planes = picture.permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1
    for position, layer in enumerate(layers):
        stride, padding = layer["stride"], layer["padding"]
        if layer["kind"] == "convolution":
            part = f"{prefix}_{position}"
            planes = F.conv2d(planes, p[f"{part}_filters"], None, stride, padding, 1, layer["groups"])
            gain, bias = 1 + p[f"{part}_gain"].flatten(), p[f"{part}_bias"].flatten()
            planes = F.relu(F.group_norm(planes, layer["normalisedGroups"], gain, bias, 1e-5))
        elif layer["kind"] == "maxPooling":
            planes = F.max_pool2d(planes, layer["size"], stride, padding)
        else:
            planes = F.avg_pool2d(planes, layer["size"], stride, padding, count_include_pad=False)
    numbers = planes.flatten(1) if planes_to == "flatten" else planes.mean((2, 3))
    return numbers @ p[f"{prefix}_features_weight"] + p[f"{prefix}_features_bias"]


def main() -> None:
    job = json.load(sys.stdin)
    torch.set_num_threads(1)
    rows, batch, steps = job["rows"], job["batch"], job["steps"]
    camera = job["camera"]
    flat = tensor(job["parameters"], torch.float32, [-1])
    p = {
        slot["name"]: flat[slot["start"] : slot["start"] + slot["size"]].reshape(slot["shape"]).clone().requires_grad_()
        for slot in job["layout"]
    }
    observation = tensor(job["observation"], torch.float32, [rows, -1])
    label = tensor(job["label"], torch.int32, [rows]).to(torch.int64)
    picture = tensor(job["picture"], torch.uint8, [rows, camera["height"], camera["width"], 3])
    index = tensor(job["index"], torch.int32, [steps, batch]).to(torch.int64)
    optimiser = torch.optim.AdamW(p.values(), lr=job["learningRate"], weight_decay=job["weightDecay"], eps=1e-8)
    prefix = f"camera_{camera['camera']}"
    losses, milliseconds = [], []
    for step in range(steps):
        started = time.perf_counter()
        at = index[step]
        features = see(job["layers"], prefix, camera["planes"], p, picture[at])
        activations = observation[at] @ p["layer0_weight"] + features @ p[f"{prefix}_weight"] + p["layer0_bias"]
        for layer in range(1, job["denseLayers"]):
            activations = F.relu(activations) @ p[f"layer{layer}_weight"] + p[f"layer{layer}_bias"]
        loss = F.cross_entropy(activations, label[at])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        milliseconds.append((time.perf_counter() - started) * 1000)
        losses.append(loss.item())
    print(json.dumps({"torch": torch.__version__, "losses": losses, "milliseconds": milliseconds}))


if __name__ == "__main__":
    main()
