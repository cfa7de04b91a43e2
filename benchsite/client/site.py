"""One Benchsite, over its REST API. Every number is the site's own: nothing is estimated or judged here."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack

import httpx
import numpy as np
import pandas as pd

_API = "/api/v1/"
_PAGE = 1_000
_TRIES = 5
_BUSY = (429, 503)
CELL = [
    *("experiment", "machine_id", "environment_id", "workload_id", "engine", "engine_sha256"),
    *("track", "device", "threads"),
]
"""Group runs by all of these: others differ in more than what is compared. A workload is network, data and training."""
_MOMENTS = ["created_at", "started_at", "finished_at", "received_at", "newest_run_at"]


class SiteError(Exception):
    """What the site answered, or why it could not be asked; `status` is 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class CellFilters(TypedDict, total=False):
    """What narrows summaries: an experiment by its slug; machine, environment and workload by their numbers."""

    experiment: str
    machine: int
    environment: int
    workload: int
    engine: str
    code: str
    network: str
    layers: int
    width: int
    task: Literal["train", "infer"]
    device: Literal["cpu", "gpu"]
    threads: int
    track: Literal["idiomatic", "tuned"]


class RunFilters(CellFilters, total=False):
    status: Literal["finished", "unsupported", "out_of_memory", "timed_out", "crashed", "diverged"]
    excluded: bool
    ordering: Literal["-finished_at", "finished_at", "-received", "received"]


class ScopeFilters(TypedDict, total=False):
    """One experiment on one machine, the newest and its latest if none is named, and what is held equal there."""

    experiment: str
    machine: int
    gpu_machine: int
    data: str
    batch: str
    track: str


class Site:
    """`address` is the site's, as a browser shows it. Use it as a context manager, or call `close()`."""

    def __init__(self, address: str, *, token: str | None = None, timeout_seconds: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=address.rstrip("/"), headers=headers, timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # ------------------------------------------------------------ lists

    def experiments(self) -> pd.DataFrame:
        return _frame(self._pages("experiments/"))

    def machines(self) -> pd.DataFrame:
        return _frame(self._pages("machines/"))

    def environments(self) -> pd.DataFrame:
        return _frame(self._pages("environments/"))

    def workloads(self) -> pd.DataFrame:
        return _frame(self._pages("workloads/"))

    def engines(self) -> pd.DataFrame:
        return _frame(self._pages("engines/"))

    # ------------------------------------------------------------ measurements

    def runs(self, **filters: Unpack[RunFilters]) -> pd.DataFrame:
        """One row for each run that matches; `epoch_seconds` or `call_seconds` is what comparisons read of it."""
        return _frame(self._lines("runs/", filters))

    def summaries(self, **filters: Unpack[CellFilters]) -> pd.DataFrame:
        """One row for each cell. `seconds` has its newest finished runs' times, `geometric_mean_seconds` is theirs."""
        rows = list(self._lines("summaries/", filters))
        for row in rows:
            row["seconds"] = [float(np.exp(log)) for _, log in row["samples"]]
            row["geometric_mean_seconds"] = _geometric_mean(row.pop("samples"))
            row["tail_seconds"] = [float(np.exp(log)) for _, log in row.pop("tails")]
            del row["means"]
        return _frame(rows)

    def record(self, run_id: str) -> dict[str, Any]:
        """The whole run record: every epoch, the environment, the machine, the gate's numbers."""
        found: dict[str, Any] = self.answer(f"runs/{run_id}/")["record"]
        return found

    # ------------------------------------------------------------ conclusions

    def comparisons(self, **filters: Unpack[ScopeFilters]) -> pd.DataFrame:
        """One row for each engine at each network: `seconds` with its interval, `ratio` of it to the fastest's."""
        rows = [
            {**_without(standing, "held", "estimate", "to_fastest"), **standing["held"]}
            | _interval(standing["estimate"], "seconds")
            | _interval(standing["to_fastest"], "value", "ratio")
            for standing in self.answer("comparisons/", **filters)["standings"]
        ]
        return _frame(rows)

    def recommendation(self, **filters: Unpack[ScopeFilters]) -> pd.DataFrame:
        """One row for each engine in each situation: `ratio` is its time over the best's."""
        situations = self.answer("recommendation/", **filters)["situations"]
        return _frame([row for situation in situations for row in _candidates(situation)])

    def your_case(
        self, network: str, layers: int, width: int, device: Literal["cpu", "gpu"] = "cpu", **held: str
    ) -> pd.DataFrame:
        """One row for each engine at each place where the network was measured, the place with most evidence first.

        `held` says what to hold equal: data, batch, threads, track, options. Places are not to be averaged.
        """
        asked = {"network": network, "layers": layers, "width": width, "device": device}
        return _frame(
            [
                {"experiment": place["experiment"], "machine": place["machine"], **row}
                for place in self.answer("your-case/", **asked, **held)["places"]
                for row in _candidates(place["answer"])
            ]
        )

    # ------------------------------------------------------------ the way there

    def answer(self, path: str, **query: Any) -> Any:
        """Of any address below /api/v1/, as JSON. Raises SiteError with the site's own words."""
        try:
            return self._asked(path, query).json()
        except json.JSONDecodeError:
            raise SiteError(f"{self._http.base_url} answered no JSON: is it a Benchsite?") from None

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = self.answer(path, **query)
            yield from page["results"]
            if page["next"] is None:
                return
            query["cursor"] = httpx.URL(page["next"]).params["cursor"]

    def _lines(self, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """All of a list at once. Texts may hold what `splitlines` takes for the end of a line."""
        for line in self._asked(path, {**filters, "format": "jsonl"}).content.split(b"\n"):
            if line:
                yield json.loads(line)

    def _asked(self, path: str, query: Mapping[str, Any]) -> httpx.Response:
        for attempt in range(_TRIES):
            try:
                response = self._http.get(f"{_API}{path}", params=query)
            except httpx.HTTPError as error:
                raise SiteError(f"{self._http.base_url} cannot be asked: {error or type(error).__name__}.") from None
            if response.status_code not in _BUSY or attempt == _TRIES - 1:
                break
            time.sleep(float(response.headers.get("Retry-After", 1)))
        if response.status_code != httpx.codes.OK:
            raise SiteError(_reason(response), response.status_code)
        return response


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"{response.url} was answered {response.status_code}."


def _frame(rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows))
    for name in frame.columns.intersection(_MOMENTS):
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


def _candidates(situation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for candidate in situation["candidates"]:
        yield {
            "situation": situation["situation"],
            "network": situation["network"],
            "device": situation["device"],
            "engine": candidate["engine"],
            "is_preferred": candidate["engine"] == situation["preferred"],
            "is_not_slower": candidate["engine"] in situation["not_slower"],
            "verdict": candidate["verdict"],
            **_interval(candidate["to_best"], "value", "ratio"),
            "missing": candidate["missing"],
            "reason": candidate["reason"] or situation["reason"],
        }


def _geometric_mean(samples: list[tuple[int, float]]) -> float | None:
    return float(np.exp(np.mean([log for _, log in samples]))) if samples else None


def _interval(found: Mapping[str, Any] | None, value: str, name: str = "") -> dict[str, float | None]:
    name, known = name or value, found or {}
    return {name: known.get(value), f"{name}_low": known.get("low"), f"{name}_high": known.get("high")}


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
