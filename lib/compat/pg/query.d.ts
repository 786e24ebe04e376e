import { Query } from './index';

export = Query;
