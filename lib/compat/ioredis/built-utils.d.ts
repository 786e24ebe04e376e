/** Of `ioredis/built/utils` what other packages reach for. */

import type { RedisOptions } from './options';

export const CONNECTION_CLOSED_ERROR_MSG: string;
/** Buffers within it as texts. */
export function convertBufferToString(value: any, encoding?: BufferEncoding): any;
export function convertMapToArray<K, V>(map: Map<K, V>): (K | V)[];
export function convertObjectToArray<T>(object: Record<string, T>): (string | T)[];
export function defaults<T extends object>(object: T, ...sources: object[]): T;
export function isInt(value: any): boolean;
export function noop(): void;
/** Names and values in turn, as an object. */
export function packObject(array: any[]): Record<string, any>;
/** Options from a URL, a path, a port or `host:port`. */
export function parseURL(url: string): RedisOptions & Record<string, unknown>;
export function toArg(value: any): string;
export function wrapMultiResult(replies: unknown[] | null): [Error | null, unknown?][] | null;
