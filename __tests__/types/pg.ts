// Ours beside pg's: how the declarations compare.

import * as peer from 'pg';
import * as dropIn from 'polypool/pg';
import { exact } from './exact.js';

/** Every name of theirs is one of ours. */
const missing: Exclude<keyof typeof peer, keyof typeof dropIn>[] = [];
exact<(typeof missing)[number], never>(true);

exact<typeof dropIn.types, typeof peer.types>(true);
exact<typeof dropIn.DatabaseError, typeof peer.DatabaseError>(true);
exact<dropIn.QueryResult<{ a: 1 }>, peer.QueryResult<{ a: 1 }>>(true);
exact<dropIn.QueryArrayResult<[1]>, peer.QueryArrayResult<[1]>>(true);
exact<dropIn.FieldDef, peer.FieldDef>(true);
exact<dropIn.Notification, peer.Notification>(true);
exact<dropIn.TransactionStatus, peer.TransactionStatus>(true);

/** Configurations go both ways, but for what only ours has. */
function configured(theirs: peer.PoolConfig, ours: dropIn.PoolConfig): void {
  const options: [dropIn.ClientConfig, peer.ClientConfig] = [theirs, ours];
  const one: dropIn.QueryConfig = { text: 'select 1', query_timeout: 5, binary: true, rows: 2 };
  const query: peer.QueryConfig = one;
  void [options, query, new dropIn.Client({ scramMaxIterations: 0, replication: 'database' })];
}

function more(client: dropIn.Client): void {
  exact<typeof client.processID, number | null>(true);
  exact<typeof client.connectionParameters.connect_timeout, number | string>(true);
  client.ref();
  client.unref();
  const value: string | Buffer | null = dropIn.utils.prepareValue(new Date());
  const result = new dropIn.Result('array', dropIn.types);
  result.addFields([]);
  result.addRow(result.parseRow([null, '1']));
  result.addCommandComplete({ text: 'SELECT 1' });
  void value;
}

function passed(client: dropIn.Client, pool: dropIn.Pool, lent: dropIn.PoolClient): void {
  const clients: [peer.Client, peer.PoolClient, peer.ClientBase] = [client, lent, lent];
  const asPeers: [peer.Pool, peer.Connection] = [pool, client.connection];
  void client.query(new peer.Query('select 1'));
  const query: peer.Query = new dropIn.Query('select 1');
  const overrides: peer.TypeOverrides = new dropIn.TypeOverrides();
  const result: peer.Result = new dropIn.Result('array', dropIn.types);
  void [clients, asPeers, query, overrides, result];
}

void [passed, missing, configured, more];
