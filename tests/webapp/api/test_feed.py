from federated.views import Event
from webapp.api.feed import KEPT, PAGE, EventFeed


class History:
    """A master with many events: the first thousand behind a number, or the last ones."""

    def __init__(self, length: int) -> None:
        self.length, self.asked = length, list[int]()

    def after(self, number: int) -> list[Event]:
        self.asked.append(number)
        return self.told(number + 1, min(number + PAGE, self.length))

    def last(self, count: int) -> list[Event]:
        self.asked.append(-count)
        return self.told(max(1, self.length - count + 1), self.length)

    def told(self, first: int, last: int) -> list[Event]:
        return [
            Event(id=i, at=i, run=None, kind="told", text=str(i)) for i in range(first, last + 1)
        ]


class OlderHistory(History):
    """One that does not know how to tell the last ones alone."""

    def last(self, count: int) -> list[Event]:
        return self.after(0)


def test_of_a_long_history_only_the_end_is_read_and_only_once() -> None:
    history = History(2300)
    feed = EventFeed(history.after, history.last)
    assert [event.id for event in feed.newest(3)] == [2300, 2299, 2298]
    assert history.asked == [-KEPT]
    history.length = 2302
    assert [event.id for event in feed.newest(3)] == [2302, 2301, 2300]
    assert history.asked == [-KEPT, 2300]
    history.length = 2302 + PAGE + 5
    assert feed.newest(1)[0].id == history.length
    assert history.asked[2:] == [2302, 2302 + PAGE]


def test_an_older_master_is_read_from_the_beginning_to_the_end() -> None:
    history = OlderHistory(2300)
    assert EventFeed(history.after, history.last).newest(1)[0].id == 2300
    assert history.asked == [0, 1000, 2000]


def test_no_event_is_no_error_and_no_more_are_kept_than_said() -> None:
    none, many = History(0), History(900)
    assert EventFeed(none.after, none.last).newest(5) == []
    assert len(EventFeed(many.after, many.last).newest(10_000)) == KEPT
