"""Events of a Dask cluster, as one search gets them: messages of its workers, and workers that leave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

#: Takes the message of an event; it is called in the thread of the client.
Listener = Callable[[dict[str, Any]], None]
#: Topic in which Dask tells of workers that join and leave.
CLUSTER_TOPIC = "all"


class ClientEvents:
    """The events of one client, which several searches may share.

    The topic of the workers' messages has the id of the client: the scheduler removes the last messages of
    such a topic some time after the client has gone.

    Parameters
    ----------
    client : distributed.Client
        The client.
    """

    def __init__(self, client: Any):
        self.topic: str = client.id
        self._listeners: dict[str, Listener] = {}  # by name of the search
        self._others: dict[str, Callable[[Any], Any]] = {}  # handlers of the user, by topic

    def add(self, client: Any, search: str, listener: Listener) -> None:
        """Pass on events to a search from now on."""
        with _lock:
            self._listeners[search] = listener
            if len(self._listeners) == 1:
                self._subscribe(client)

    def subscribe(self, client: Any) -> None:
        """Ask the scheduler for events again, after it was restarted."""
        with _lock:
            self._subscribe(client)

    def _subscribe(self, client: Any) -> None:
        handlers = getattr(client, "_event_handlers", {})
        for topic in (CLUSTER_TOPIC, self.topic):
            if (other := handlers.get(topic)) is not None and getattr(other, "__self__", None) is not self:
                self._others[topic] = other
            client.subscribe_topic(topic, self._handle_of_cluster if topic == CLUSTER_TOPIC else self._handle)

    def remove(self, client: Any, search: str) -> None:
        """Pass on nothing more to a search; the last one ends the subscription."""
        with _lock:
            self._listeners.pop(search, None)
            if not self._listeners:
                with suppress(Exception):  # the client is closed
                    self._unsubscribe(client)

    def _unsubscribe(self, client: Any) -> None:
        for topic in (CLUSTER_TOPIC, self.topic):
            if topic in self._others:
                client.subscribe_topic(topic, self._others.pop(topic))
            else:
                client.unsubscribe_topic(topic)

    def _handle_of_cluster(self, event: tuple[float, Any]) -> Any:
        return self._handle(event, CLUSTER_TOPIC)

    def _handle(self, event: tuple[float, Any], topic: str = "") -> Any:
        message = event[1]
        if isinstance(message, dict):
            with _lock:
                listeners = list(self._listeners.values())
            for listener in listeners:
                listener(message)
        other = self._others.get(topic or self.topic)
        return None if other is None else other(event)


_lock = threading.Lock()
_events_of: WeakKeyDictionary[Any, ClientEvents] = WeakKeyDictionary()


def events_of(client: Any) -> ClientEvents:
    """Return the events of a client."""
    with _lock:
        if client not in _events_of:
            _events_of[client] = ClientEvents(client)
        return _events_of[client]
