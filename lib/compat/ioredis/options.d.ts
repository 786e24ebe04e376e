/** The options of an instance. */

import type { Duplex } from 'node:stream';
import type { ConnectionOptions as TLSOptions } from 'node:tls';
import type { AbstractConnector } from './index';

/** What options cannot be typed by the class itself. */
export type ProtocolVersion = 2 | 3;
export type ReplyMappingMode = 'legacy' | 'resp3';
export type RedisStatus =
  'wait' | 'reconnecting' | 'connecting' | 'connect' | 'ready' | 'close' | 'end' | 'monitoring';

/** Milliseconds until the next attempt; anything but a number ends the instance. */
export type RetryStrategy = ((times: number) => number | void | null) | null | undefined;
/** True or 1 connects anew, 2 also sends the command again. */
export type ReconnectOnError = (err: Error) => boolean | 1 | 2;

export interface ConnectorConstructor {
  new (options: unknown): AbstractConnector;
}

/** A command that is a script of the server. */
export interface ScriptDefinition {
  lua: string;
  /** How many of the arguments are keys; without it the first argument says so. */
  numberOfKeys?: number | undefined;
  readOnly?: boolean | undefined;
}

export interface CommanderOptions {
  /** Before every key that a command names; not in patterns and replies. */
  keyPrefix?: string | undefined;
  /** Errors have the stack of the call; costs time with every command. Default false. */
  showFriendlyErrorStack?: boolean | undefined;
}

export interface CommonRedisOptions extends CommanderOptions {
  /** Makes the stream instead of host and port: its `connect()` resolves to a Duplex. */
  Connector?: ConnectorConstructor | undefined;
  /** Default: 50 ms doubled with every attempt up to 5 s, and up to 200 ms more by chance. */
  retryStrategy?: RetryStrategy;
  /** Milliseconds after which a command fails with "Command timed out". Default none. */
  commandTimeout?: number | undefined;
  /** Milliseconds after which a blocked command without a timeout ends with null. Default none. */
  blockingTimeout?: number | undefined;
  /** Milliseconds that are added to a blocked command's own timeout. Default 100. */
  blockingTimeoutGrace?: number | undefined;
  /** Milliseconds of silence, while an answer is owed, that end the connection. Default none. */
  socketTimeout?: number | undefined;
  /** Milliseconds of idleness before the first TCP keep-alive. Default 30000. */
  keepAlive?: number | undefined;
  /** Of no effect: small writes are never delayed. */
  noDelay?: boolean | undefined;
  /** CLIENT SETNAME. */
  connectionName?: string | undefined;
  /** Says no CLIENT SETINFO. Default false. */
  disableClientInfo?: boolean | undefined;
  /** In parentheses after the library's name of CLIENT SETINFO. */
  clientInfoTag?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Default 0. */
  db?: number | undefined;
  /** Default true. */
  autoResubscribe?: boolean | undefined;
  /** Sends what was not answered again when it has reconnected. Default true. */
  autoResendUnfulfilledCommands?: boolean | undefined;
  reconnectOnError?: ReconnectOnError | null | undefined;
  /** Says READONLY. Default false. */
  readOnly?: boolean | undefined;
  /** Numbers come as texts. Default false. */
  stringNumbers?: boolean | undefined;
  /** Default 3, or 2 where the server knows no other. */
  protocol?: ProtocolVersion | undefined;
  /** `resp3` leaves maps, doubles and booleans as they are. Default `legacy`: as RESP2 had them. */
  replyMapping?: ReplyMappingMode | undefined;
  /** Milliseconds. Default 10000; 0 for none. */
  connectTimeout?: number | undefined;
  /** The connection hears what every client sends. */
  monitor?: boolean | undefined;
  /** Attempts to connect after which what waits fails; null for none. Default 20. */
  maxRetriesPerRequest?: number | null | undefined;
  /** Milliseconds at most until a server that loads its data is asked again. Default 10000. */
  maxLoadingRetryTime?: number | undefined;
  /** Of no effect: commands of a tick always go out together. */
  enableAutoPipelining?: boolean | undefined;
  /** Of no effect. */
  autoPipeliningIgnoredCommands?: string[] | undefined;
  offlineQueue?: boolean | undefined;
  commandQueue?: boolean | undefined;
  /** False refuses commands while there is no connection. Default true. */
  enableOfflineQueue?: boolean | undefined;
  /** Asks with INFO whether the server has loaded its data. Default true. */
  enableReadyCheck?: boolean | undefined;
  /** Connects with the first command, or `connect()`. Default false. */
  lazyConnect?: boolean | undefined;
  scripts?: Record<string, ScriptDefinition> | undefined;
}

export interface StandaloneConnectionOptions {
  /** Default 6379. */
  port?: number | undefined;
  /** Default `localhost`. */
  host?: string | undefined;
  /** 4 or 6; 0 for either. Default 0. */
  family?: number | undefined;
  /** Of a unix socket, instead of host and port. */
  path?: string | undefined;
  tls?: TLSOptions | undefined;
  /** Milliseconds that `disconnect()` waits for the end. Default 2000. */
  disconnectTimeout?: number | undefined;
}

export interface SentinelAddress {
  port: number;
  host: string;
  family?: number;
}

/** Not made here: giving `sentinels` fails when it connects. */
export interface SentinelConnectionOptions {
  name?: string | undefined;
  role?: 'master' | 'slave' | undefined;
  sentinels?: Partial<SentinelAddress>[] | undefined;
  sentinelUsername?: string | undefined;
  sentinelPassword?: string | undefined;
  sentinelTLS?: TLSOptions | undefined;
  sentinelRetryStrategy?: ((times: number) => number | void | null) | undefined;
  sentinelReconnectStrategy?: ((times: number) => number | void | null) | undefined;
  sentinelCommandTimeout?: number | undefined;
  sentinelMaxConnections?: number | undefined;
  preferredSlaves?:
    | ((slaves: FoundAddress[]) => FoundAddress | null)
    | PreferredAddress[]
    | PreferredAddress
    | undefined;
  natMap?: NatMap | undefined;
  updateSentinels?: boolean | undefined;
  failoverDetector?: boolean | undefined;
  enableTLSForSentinelMode?: boolean | undefined;
}

interface FoundAddress {
  ip: string;
  port: string;
  flags?: string | undefined;
}

interface PreferredAddress {
  ip: string;
  port: string;
  prio?: number | undefined;
}

interface NatAddress {
  host: string;
  port: number;
}

/** From the addresses that servers tell to those that are reached. */
export type NatMap = Record<string, NatAddress> | ((key: string) => NatAddress | null);

export type RedisOptions = CommonRedisOptions &
  SentinelConnectionOptions &
  StandaloneConnectionOptions;

/** What a connection is. */
export type NetStream = Duplex & { remoteAddress?: string; remotePort?: number };
