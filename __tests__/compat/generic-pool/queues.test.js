'use strict';
// The exported Deque and PriorityQueue, on their own.

const { LIBRARIES, agree } = require('./libraries.js');

describe.each(LIBRARIES)('%s', (_name, load) => {
  const dequeOf = (...values) => {
    const deque = new (load().Deque)();
    for (const value of values) deque.push(value);
    return deque;
  };

  test('the exports are the five of the package', () => {
    expect(Object.keys(load()).sort()).toEqual([
      'DefaultEvictor',
      'Deque',
      'Pool',
      'PriorityQueue',
      'createPool',
    ]);
  });

  test('Deque: both ends', () => {
    const deque = dequeOf('b', 'c');
    deque.unshift('a');
    expect([deque.length, deque.head, deque.tail]).toEqual([3, 'a', 'c']);
    expect(deque.pop()).toBe('c');
    expect(deque.shift()).toBe('a');
    expect(deque.shift()).toBe('b');
    expect([deque.length, deque.head, deque.tail]).toEqual([0, undefined, undefined]);
    expect([deque.shift(), deque.pop()]).toEqual([undefined, undefined]);
    deque.unshift('d');
    expect([deque.head, deque.tail]).toEqual(['d', 'd']);
  });

  test('Deque: iteration from either end', () => {
    const deque = dequeOf(1, 2, 3);
    expect([...deque]).toEqual([1, 2, 3]);
    const seen = [];
    const backwards = deque.reverseIterator();
    for (let step = backwards.next(); !step.done; step = backwards.next()) seen.push(step.value);
    expect(seen).toEqual([3, 2, 1]);
  });

  test('Deque: an iterator removes, and begins again after reset', () => {
    const deque = dequeOf(1, 2, 3);
    const iterator = deque.iterator();
    iterator.next();
    expect(iterator.next().value).toBe(2);
    iterator.remove();
    expect([...deque]).toEqual([1, 3]);
    expect(deque.length).toBe(2);
    expect(iterator.remove()).toBe(false);
    expect(iterator.next()).toEqual({ done: true });
    expect(iterator.next()).toEqual({ done: true });
    iterator.reset();
    expect(iterator.next().value).toBe(1);
  });

  test('Deque: an iterator of an empty one sees what is added before its first step', () => {
    const deque = dequeOf();
    const iterator = deque.iterator();
    deque.push('x');
    expect(iterator.next()).toEqual({ value: 'x', done: false });
  });

  const request = () => ({ promise: Promise.resolve() });

  test('PriorityQueue: urgent first, each class in order', () => {
    const queue = new (load().PriorityQueue)(3);
    const items = [2, 0, 1, undefined, -1, 5].map((priority) => {
      const item = { ...request(), priority };
      queue.enqueue(item, priority);
      return item;
    });
    expect(queue.length).toBe(6);
    expect(queue.head).toBe(items[1]);
    expect(queue.tail).toBe(items[5]);
    const order = Array.from({ length: 6 }, () => items.indexOf(queue.dequeue()));
    expect(order).toEqual([1, 3, 2, 0, 4, 5]);
    expect([queue.length, queue.head, queue.tail]).toEqual([0, undefined, undefined]);
    expect(queue.dequeue()).toBeUndefined();
  });

  test.each([[undefined], [0], ['x'], [-2]])('PriorityQueue of %p has one class', (size) => {
    const queue = new (load().PriorityQueue)(size);
    const [first, second] = [request(), request()];
    queue.enqueue(first, 7);
    queue.enqueue(second, 0);
    expect(queue.dequeue()).toBe(first);
    expect(queue.dequeue()).toBe(second);
  });

  test('PriorityQueue: what rejects with a TimeoutError leaves', async () => {
    const queue = new (load().PriorityQueue)(1);
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' });
    const items = [late, new Error('other')].map((error) => ({ promise: Promise.reject(error) }));
    for (const item of items) queue.enqueue(item, 0);
    await Promise.allSettled(items.map(({ promise }) => promise));
    expect(queue.length).toBe(1);
    expect(queue.dequeue()).toBe(items[1]);
  });
});

agree('an iterator while its deque changes', (lib, trace) => {
  for (let seed = 0; seed < 200; seed++) {
    const deque = new lib.Deque();
    const iterator = seed % 2 === 0 ? deque.iterator() : deque.reverseIterator();
    let state = seed * 7919 + 1;
    const draw = (n) => {
      state = (state * 48271) % 2147483647;
      return state % n;
    };
    for (let step = 0; step < 40; step++) {
      const what = ['push', 'unshift', 'shift', 'pop', 'next', 'next', 'remove', 'reset'][draw(8)];
      const target = what in deque ? deque : iterator;
      const answer = target[what](step);
      trace.note(seed, what, JSON.stringify(answer), deque.length, [...deque].join());
    }
  }
});
