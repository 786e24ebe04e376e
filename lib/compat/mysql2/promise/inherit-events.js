'use strict';

/** Events of one emitter are those of another too, which is listened to only while somebody hears. */
function inheritEvents(source, target, names) {
  const listeners = new Map();
  const isFirst = (name) => names.includes(name) && target.listenerCount(name) === 0;
  target.on('newListener', (name) => {
    if (!isFirst(name)) return;
    const listener = (...about) => target.emit(name, ...about);
    listeners.set(name, listener);
    source.on(name, listener);
  });
  target.on('removeListener', (name) => {
    if (!isFirst(name)) return;
    source.removeListener(name, listeners.get(name));
    listeners.delete(name);
  });
}

module.exports = { inheritEvents };
