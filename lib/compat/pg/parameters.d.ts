import { ConnectionOptions } from 'node:tls';
import { ClientConfig } from './index';

/** Where and as whom to connect, from configuration, URL and environment. */
declare class ConnectionParameters {
  constructor(config?: string | ClientConfig);
  user: string | undefined;
  database: string | undefined;
  port: number;
  host: string;
  /** Not enumerable. */
  password: ClientConfig['password'];
  binary: boolean | undefined;
  options: string | undefined;
  ssl: boolean | ConnectionOptions | undefined;
  sslnegotiation: string | undefined;
  isDomainSocket: boolean;
  client_encoding: string | undefined;
  replication: string | undefined;
  application_name: string | undefined;
  fallback_application_name: string | undefined;
  statement_timeout: false | number | undefined;
  lock_timeout: false | number | undefined;
  idle_in_transaction_session_timeout: false | number | undefined;
  query_timeout: false | number | undefined;
  connect_timeout: number;
  keepalives?: 0 | 1;
  keepalives_idle?: number;
  getLibpqConnectionString(callback: (error: Error | null, text: string | null) => void): void;
}

export = ConnectionParameters;
