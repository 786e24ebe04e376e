create table authors (id serial primary key, name text not null constraint authors_name unique);
--> statement-breakpoint
create table books (
  id bigserial primary key,
  author_id int not null constraint books_author references authors,
  title text not null,
  about jsonb,
  tags text[],
  published date,
  added_at timestamptz,
  seen_at timestamp,
  price numeric(8, 2)
);
