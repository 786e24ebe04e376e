import { TypeOverrides } from './index';

export = TypeOverrides;
