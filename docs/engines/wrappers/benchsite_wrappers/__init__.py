"""What Benchsite reads of this package: no framework is imported here."""

FLAX = {
    "slug": "flax",
    "title": "Flax on JAX",
    "abbreviation": "fx",
    "framework": "flax",
    "backend": "jax",
    "module": "benchsite_wrappers.flax_engine",
    "tracks": ["idiomatic", "tuned"],
    "tasks": ["train", "infer"],
    "families": ["mlp", "cnn"],
    "environment": {
        "title": "Flax 0.12 on JAX 0.10",
        "pythons": ["3.11", "3.12", "3.13"],
        "lock": "flax.txt",
        "download_mb": 190,
        "disk_mb": 760,
    },
}
LIGHTNING = {
    "slug": "lightning",
    "title": "Lightning on PyTorch",
    "abbreviation": "li",
    "framework": "lightning",
    "backend": "torch",
    "module": "benchsite_wrappers.lightning_engine",
    "tracks": ["idiomatic", "tuned"],
    "environment": {
        "title": "Lightning 2.6 on PyTorch 2.13",
        "pythons": ["3.11", "3.12", "3.13"],
        "lock": "lightning.txt",
        # Each platform has a PyTorch of its own under one version; and what asks for PyTorch comes after it.
        "unhashed": [
            "torch==2.13.0",
            "lightning==2.6.6",
            "pytorch-lightning==2.6.6",
            "torchmetrics==1.9.0",
            "lightning-utilities==0.15.3",
        ],
        "download_mb": 240,
        "disk_mb": 810,
    },
}
