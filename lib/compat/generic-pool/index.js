'use strict';

/** What `generic-pool` exports, over the pool core. */

const { Deque } = require('./deque');
const { DefaultEvictor } = require('./evictor');
const { Pool } = require('./pool');
const { PriorityQueue } = require('./priority-queue');

exports.Pool = Pool;
exports.Deque = Deque;
exports.PriorityQueue = PriorityQueue;
exports.DefaultEvictor = DefaultEvictor;
exports.createPool = (factory, options) =>
  new Pool(DefaultEvictor, Deque, PriorityQueue, factory, options);
