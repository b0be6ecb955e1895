"""Events of `skelgait identify --watch`, as lines of text or of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skelgait.cli.output import show_counts, show_json_line, show_text, warn
from skelgait.display import printable

if TYPE_CHECKING:
    from skelgait.pipelines.watch_events import TrackMatch, VideoEnd, WatchEnd, WatchEvent, WatchStart
    from skelgait.settings import Settings


def watch_people(settings: Settings, location: str, *, as_json: bool) -> None:
    """Print the matches in a folder, of a camera or of a stream until Ctrl-C; write the final ones to --out."""
    from skelgait.pipelines.match_log import MatchLog
    from skelgait.pipelines.watch import watch
    from skelgait.pipelines.watch_events import TrackMatch, VideoEnd
    from skelgait.runtime.stopping import stop_request

    out = settings.identify.out
    log = MatchLog(out) if out else None
    with stop_request() as stop:
        for event in watch(settings, location, lambda: stop.wanted):
            if log is not None and isinstance(event, TrackMatch) and not event.is_provisional:
                log.write(event)
            if isinstance(event, VideoEnd):
                warn(_warnings(event))
            if as_json:
                show_json_line(event.to_dict())
            else:
                _show(event)


def _show(event: WatchEvent) -> None:
    from skelgait.pipelines.watch_events import TrackMatch, VideoEnd, WatchStart

    if isinstance(event, TrackMatch):
        show_text(printable(_match_line(event)))
    elif isinstance(event, VideoEnd):
        if not event.problem:
            show_text(printable(f"{event.video}: {event.frames} frames, {_people(event.tracks)}"))
    elif isinstance(event, WatchStart):
        show_text(printable(_start_line(event)))
    else:
        _show_end(event)


def _start_line(start: WatchStart) -> str:
    threshold = "no threshold" if start.threshold is None else f"threshold {start.threshold:.4f}"
    enrolled = f"{_people(start.n_people)} enrolled"
    return f"Watching {start.location}: {enrolled}, {threshold}. Ctrl-C ends the watch."


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _match_line(match: TrackMatch) -> str:
    state = "provisional" if match.is_provisional else "match"
    if match.problem:
        result = f"not identified: found {match.problem}"
    else:
        best, *others = (f"{c.identity} ({c.distance:.4f})" for c in match.candidates)
        verdict = {None: "nearest", True: "known", False: "unknown, nearest"}[match.accepted]
        parts = [f"{verdict} {best}", *(f"runner-up {other}" for other in others[:1])]
        parts += [f"uncertain: {mark}" for mark in match.marks]
        result = ", ".join(parts)
    return f"{match.probe}  {match.first_s:.1f} to {match.last_s:.1f} s  {state}: {result}"


def _warnings(end: VideoEnd) -> list[str]:
    return [*([end.problem] if end.problem else []), *(f"{end.video}: {doubt}" for doubt in end.doubts)]


def _show_end(end: WatchEnd) -> None:
    videos = {} if end.videos is None else {"videos": end.videos, "videos with an error": end.failed}
    stream = {"frames skipped (came too fast)": end.skipped_frames, "drops of the stream": end.drops}
    verdicts = {"known": end.known, "unknown": end.unknown}
    if end.nearest:
        verdicts = {"with a nearest person": end.nearest}
    counts = {
        **videos,
        "frames": end.frames,
        **(stream if end.videos is None else {}),
        **{f"tracks, {name}": n for name, n in verdicts.items()},
        "tracks, not identified": end.unidentified,
        "people in fewer than 5 frames, left out": end.short_tracks,
        "seconds": end.seconds,
    }
    show_counts("Watch ended", counts)
