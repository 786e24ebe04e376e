'use strict';

/** Which INSERTs of MySQL and MariaDB nobody can tell from a second try. */

const { PlainInserts } = require('../../sharing/plain-inserts');
const { wordsOf } = require('../../sharing/plain-reads');

const known = wordsOf(
  `all and any as between by case cross distinct div else except exists from group having if in inner
  intersect interval is join key left like limit match mod not natural on or order outer over
  partition regexp right rlike rollup row rows select set sounds straight_join then union using
  values when where window with xor against binary char convert force ignore index lateral use cast
  decimal float double numeric varchar time datetime timestamp year recursive

  abs acos adddate addtime ascii asin atan atan2 avg bin bit_and bit_count bit_length bit_or bit_xor
  ceil ceiling char_length character_length coalesce concat concat_ws conv convert_tz cos cot count
  crc32 cume_dist curdate current_date current_time current_timestamp curtime date date_add
  date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees dense_rank elt exp
  export_set extract field find_in_set first_value floor format from_base64 from_days from_unixtime
  greatest group_concat grouping hex hour ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert
  instr isnull lag last_day last_value lcase lead least length ln localtime localtimestamp locate log
  log10 log2 lower lpad ltrim make_set makedate maketime max md5 microsecond mid min minute month
  monthname now nth_value ntile nullif nvl nvl2 octet_length ord percent_rank period_add period_diff
  pi position pow power quarter quote radians rand rank regexp_instr regexp_like regexp_replace
  regexp_substr repeat replace reverse round row_number rpad rtrim sec_to_time second sha sha1 sha2
  sign sin soundex space sqrt std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr
  substring substring_index subtime sum sysdate tan time_format time_to_sec timediff timestampadd
  timestampdiff to_base64 to_days to_seconds trim truncate ucase unhex unix_timestamp upper utc_date
  utc_time utc_timestamp uuid var_pop var_samp variance version week weekday weekofyear weight_string
  yearweek

  json_array json_array_append json_array_insert json_arrayagg json_compact json_contains
  json_contains_path json_depth json_detailed json_exists json_extract json_insert json_keys
  json_length json_loose json_merge json_merge_patch json_merge_preserve json_object json_objectagg
  json_overlaps json_pretty json_query json_quote json_remove json_replace json_search json_set
  json_table json_type json_unquote json_valid json_value member of columns path`,
);

const plainInserts = new PlainInserts(known, /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`/g);

const isPlainInsert = (text) => plainInserts.has(text);

module.exports = { isPlainInsert };
