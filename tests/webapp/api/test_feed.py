from federated.views import Event
from webapp.api.feed import KEPT, EventFeed

PAGE = 1000


class History:
    """A master with many events that tells the first thousand behind a number."""

    def __init__(self, length: int) -> None:
        self.length, self.asked = length, list[int]()

    def after(self, number: int) -> list[Event]:
        self.asked.append(number)
        last = min(number + PAGE, self.length)
        return [
            Event(id=i, at=i, run=None, kind="told", text=str(i))
            for i in range(number + 1, last + 1)
        ]


def test_a_long_history_is_read_to_its_end_and_only_once() -> None:
    history = History(2300)
    feed = EventFeed(history.after)
    assert [event.id for event in feed.newest(3)] == [2300, 2299, 2298]
    assert history.asked == [0, 1000, 2000, 2300]
    history.length = 2302
    assert [event.id for event in feed.newest(3)] == [2302, 2301, 2300]
    assert history.asked[4:] == [2300, 2302]


def test_no_event_is_no_error_and_no_more_are_kept_than_said() -> None:
    assert EventFeed(History(0).after).newest(5) == []
    assert len(EventFeed(History(900).after).newest(10_000)) == KEPT
