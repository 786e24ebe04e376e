alter table books add column stock bigint;
