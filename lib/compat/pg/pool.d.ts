import { ClientBase, ClientConfig, Pool as PoolOfClients, PoolConfig } from './index';

/** As the package pg-pool exports it: with a class of clients of the caller's, if wanted. */
declare class Pool extends PoolOfClients {
  constructor(config?: Pool.Config, Client?: Pool.ClientClass);
}

declare namespace Pool {
  type ClientClass = new (config?: string | ClientConfig) => ClientBase;
  interface Config extends Omit<PoolConfig, 'Client'> {
    Client?: ClientClass | undefined;
  }
}

export = Pool;
