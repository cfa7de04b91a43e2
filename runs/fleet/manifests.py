"""A fleet on Kubernetes: one scheduler, and on each machine one pod with CPUs of its own. As YAML for kubectl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from runs.fleet.workers import CERTIFICATE, KEY, plain

_PORT = 8786
_KEYS, _VAR, _PROJECT = "/etc/benchsite-fleet", "/var/lib/benchsite", "/opt/benchsite"
_LABEL = "benchsite-fleet"


def manifests(
    machines: Sequence[str], *, image: str, namespace: str, cpus: int, memory: str, gpus: int, keys: str, folder: str
) -> str:
    """`machines` are names of nodes; `cpus` and `memory` are both asked for and the limit, so that a pod's CPUs are its
    own where the node's policy is static. `keys` is the name of a secret, `folder` where a node keeps its spool."""
    documents = [_scheduler(image, namespace, keys), _service(namespace)]
    resources = {"cpu": str(cpus), "memory": memory} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    documents += [_worker(machine, image, namespace, resources, keys, folder) for machine in machines]
    return yaml.safe_dump_all(documents, sort_keys=False)


def _deployment(name: str, namespace: str, pod: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": _LABEL, "part": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},  # two pods of one machine would measure each other
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _scheduler(image: str, namespace: str, keys: str) -> dict[str, Any]:
    command = ["fleet", "scheduler", "--host", "0.0.0.0", "--port", str(_PORT), "--keys", _KEYS]  # noqa: S104
    pod = {
        "containers": [
            {
                **_container("scheduler", image, command),
                "ports": [{"containerPort": _PORT}],
                "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
                "volumeMounts": [_mounted("keys", _KEYS)],
            }
        ],
        "volumes": [_secret(keys)],
    }
    return _deployment("benchsite-scheduler", namespace, pod)


def _service(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "benchsite-scheduler", "namespace": namespace, "labels": {"app": _LABEL}},
        "spec": {
            "selector": {"app": _LABEL, "part": "benchsite-scheduler"},
            "ports": [{"port": _PORT, "targetPort": _PORT}],
        },
    }


def _worker(
    machine: str, image: str, namespace: str, resources: dict[str, str], keys: str, folder: str
) -> dict[str, Any]:
    scheduler = f"tls://benchsite-scheduler:{_PORT}"
    command = ["fleet", "worker", "--scheduler", scheduler, "--machine", machine, "--keys", _KEYS]
    pod = {
        "nodeSelector": {"kubernetes.io/hostname": machine},
        "terminationGracePeriodSeconds": 600,  # a run that is under way may end
        "containers": [
            {
                **_container("worker", image, command),
                "env": [{"name": "BENCHSITE_VAR", "value": _VAR}],
                "resources": {"requests": resources, "limits": resources},
                "volumeMounts": [_mounted("keys", _KEYS), {"name": "var", "mountPath": _VAR}],
            }
        ],
        "volumes": [_secret(keys), {"name": "var", "hostPath": {"path": folder, "type": "DirectoryOrCreate"}}],
    }
    return _deployment(f"benchsite-worker-{plain(machine).lower().replace('_', '-')}", namespace, pod)


def _container(name: str, image: str, words: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "workingDir": _PROJECT,
        "command": [".venv/bin/python", "manage.py"],
        "args": list(words),
    }


def _secret(name: str) -> dict[str, Any]:
    items = [{"key": file, "path": file} for file in (CERTIFICATE, KEY)]
    return {"name": "keys", "secret": {"secretName": name, "defaultMode": 0o400, "items": items}}


def _mounted(volume: str, path: str) -> dict[str, Any]:
    return {"name": volume, "mountPath": path, "readOnly": True}
