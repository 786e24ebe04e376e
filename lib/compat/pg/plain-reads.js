'use strict';

/** Which INSERTs of PostgreSQL nobody can tell from a second try. */

const { PlainInserts } = require('../../sharing/plain-inserts');
const { wordsOf } = require('../../sharing/plain-reads');

const known = wordsOf(
  `all and any array as between by case cross distinct else except exists filter from group groups
  having ilike in inner intersect is join lateral left like limit materialized not offset on or
  order outer over partition range right rollup row rows select sets similar some symmetric then
  union using values when where with within window cube

  bit bpchar cast char character decimal float interval numeric time timestamp timestamptz varbit
  varchar varying

  abs avg bit_and bit_or bool_and bool_or btrim cardinality ceil ceiling char_length coalesce concat
  concat_ws corr count cume_dist current_database current_schema date_bin date_part date_trunc
  decode degrees dense_rank div every exp extract age first_value floor format gen_random_uuid
  generate_series greatest initcap isfinite lag last_value lead least left length ln localtimestamp
  log lower lpad ltrim make_date make_interval make_time make_timestamp make_timestamptz max md5 min
  mod mode now nth_value ntile nullif octet_length overlay percent_rank percentile_cont
  percentile_disc pg_backend_pid pg_typeof pi position power quote_ident quote_literal radians
  random rank regexp_match regexp_matches regexp_replace regexp_split_to_array
  regexp_split_to_table repeat replace reverse right round row_number rpad rtrim sign split_part
  sqrt starts_with stddev string_agg string_to_array strpos substr substring sum timezone to_char
  to_date to_hex to_number to_timestamp translate trim trunc unnest upper variance version
  width_bucket

  array_agg array_append array_cat array_dims array_length array_lower array_ndims array_position
  array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper
  json_agg json_array_elements json_array_elements_text json_array_length json_build_array
  json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object
  json_object_agg json_object_keys json_strip_nulls json_to_record json_to_recordset json_typeof
  jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
  jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text
  jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query
  jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls
  jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb
  phraseto_tsquery plainto_tsquery setweight to_tsquery to_tsvector ts_headline ts_rank ts_rank_cd
  websearch_to_tsquery`,
);

const plainInserts = new PlainInserts(
  new Set([...known, 'nextval']),
  /'(?:[^']|'')*'|"(?:[^"]|"")*"/g,
);

const textOf = (query) => (typeof query === 'string' ? query : query.text);

/** `query`: of a write, its text or what has it. */
const isPlainInsert = (query) => plainInserts.has(textOf(query));

module.exports = { isPlainInsert };
