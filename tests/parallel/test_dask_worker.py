"""What the workers of a Dask cluster send while their tasks run."""

import pickle

from skhpt.parallel.dask_worker import MESSAGE, Order, Outbox, SentItem, _Channel


class Worker:
    """A worker that keeps its messages."""

    def __init__(self, address):
        self.address = address
        self.messages = []

    def log_event(self, topic, message):
        self.messages.append((topic, message))


def test_workers_of_one_process_send_their_own_items_to_each_search():
    outbox, workers, channels = Outbox(), [Worker("a"), Worker("b")], []
    for worker in workers:
        for search in ("first", "second"):
            channel = _Channel(Order(search, "topic of " + search, task_id=7), worker)
            channels.append(channel)
            for number in range(2):
                outbox.put(channel, number, (worker.address, search, number))
    outbox.send_now()
    for channel in channels:
        channel.close()
    for worker in workers:
        assert [topic for topic, _ in worker.messages] == ["topic of first", "topic of second"]
        for _, message in worker.messages:
            items = [SentItem(*fields) for fields in pickle.loads(message["data"])]
            expected = [(worker.address, message[MESSAGE], number) for number in range(2)]
            assert message["worker"] == worker.address
            assert [pickle.loads(item.data) for item in items] == expected
            assert [item.number for item in items] == [0, 1]
