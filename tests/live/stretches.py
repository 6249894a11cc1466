"""How long a page's own thread works at a stretch, by Chromium's trace: milliseconds of the
processor, so that a busy machine does not count."""

# A trace's name for what a thread does before it looks for the next thing to do.
RUN = "ThreadControllerImpl::RunTask"


def stretches(page, act, seconds=2.0):
    """Run act() and wait; what each task of the page's thread took since, in ms, longest first.

    A task is what the page does before it looks at the reader again: 50 ms are felt.
    """
    events, ended = [], []
    session = page.context.new_cdp_session(page)
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    session.send("Tracing.start", {"traceConfig": {"includedCategories": ["toplevel",
                                                                          "blink.user_timing"]},
                                   "transferMode": "ReportEvents"})  # fmt: skip
    act()
    page.wait_for_timeout(1000 * seconds)
    page.evaluate("performance.mark('on this thread')")
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    session.detach()
    (ours,) = {(e["pid"], e["tid"]) for e in events if e["name"] == "on this thread"}
    return sorted((e["tdur"] / 1000 for e in events if e["name"] == RUN and e.get("tdur")
                   and (e["pid"], e["tid"]) == ours), reverse=True)
