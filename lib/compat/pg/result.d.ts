import { Result } from './index';

export = Result;
