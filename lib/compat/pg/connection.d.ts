import { Connection } from './index';

export = Connection;
