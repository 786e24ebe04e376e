create table authors (id int auto_increment primary key, name varchar(99) not null unique);
--> statement-breakpoint
create table books (
  id bigint auto_increment primary key,
  author_id int not null,
  title varchar(99) not null,
  about json,
  published date,
  added_at datetime(3),
  seen_at timestamp(3) null,
  price decimal(8, 2),
  is_sold boolean,
  foreign key (author_id) references authors (id)
);
