"""Time to start."""

from engines.processes.federation import START_SECONDS, start_seconds
from engines.processes.servers import cores


def test_servers_that_start_at_once_have_the_more_time_the_more_of_them_share_a_core():
    assert start_seconds(1) == START_SECONDS
    assert start_seconds(5 * cores()) == 5 * START_SECONDS
