"""The events of a client of Dask that several searches share."""

import threading

from skhpt.parallel.dask_events import CLUSTER_TOPIC, ClientEvents


class Client:
    """A client that knows to which topics it is subscribed."""

    id = "client"

    def __init__(self):
        self.handlers = {}
        self.when_unsubscribed = lambda: None

    def subscribe_topic(self, topic, handler):
        self.handlers[topic] = handler

    def unsubscribe_topic(self, topic):
        self.when_unsubscribed()
        self.handlers.pop(topic, None)


def test_each_search_gets_the_events_until_it_ends():
    client, first, second = Client(), [], []
    events = ClientEvents(client)
    events.add(client, "first", first.append)
    events.add(client, "second", second.append)
    client.handlers[CLUSTER_TOPIC]((0.0, {"action": "add-worker"}))
    events.remove(client, "first")
    client.handlers[client.id]((0.0, {"of": "a worker"}))
    events.remove(client, "second")
    assert first == [{"action": "add-worker"}]
    assert second == [{"action": "add-worker"}, {"of": "a worker"}]
    assert client.handlers == {}


def test_a_search_that_begins_while_the_last_one_ends_gets_its_events():
    client = Client()
    events = ClientEvents(client)
    events.add(client, "first", print)
    beginning = threading.Thread(target=events.add, args=(client, "second", print))

    def begin_once():
        client.when_unsubscribed = lambda: None
        beginning.start()
        beginning.join(0.2)  # it waits for the end of the first search, or does not need to

    client.when_unsubscribed = begin_once
    events.remove(client, "first")
    beginning.join()
    assert client.handlers.keys() == {CLUSTER_TOPIC, client.id}
