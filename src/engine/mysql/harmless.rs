//! Which words may stand before a parenthesis in a read that changes nothing, wherever it runs: any
//! other may be a function of the application's, and those may write.

use crate::engine::calls::Known;
use std::sync::LazyLock;

const OWN: &str = "
    if key match natural partition regexp rlike set sounds straight_join xor against binary convert
    force ignore index use double datetime year recursive signed unsigned

    acos adddate addtime ascii asin atan atan2 bin bit_count bit_length bit_xor character_length
    conv convert_tz cos cot crc32 curdate current_date current_time current_timestamp curtime date
    date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear elt
    export_set field find_in_set from_base64 from_days from_unixtime group_concat grouping hex
    hour ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr isnull last_day lcase
    localtime locate log10 log2 make_set makedate maketime microsecond mid minute month monthname
    nvl nvl2 ord period_add period_diff pow quarter quote rand regexp_instr regexp_like
    regexp_substr sec_to_time second sha sha1 sha2 sin soundex space std stddev_pop stddev_samp
    str_to_date strcmp subdate substring_index subtime sysdate tan time_format time_to_sec
    timediff timestampadd timestampdiff to_base64 to_days to_seconds truncate ucase unhex
    unix_timestamp utc_date utc_time utc_timestamp uuid var_pop var_samp week weekday weekofyear
    weight_string yearweek

    json_array json_array_append json_array_insert json_arrayagg json_compact json_contains
    json_contains_path json_depth json_detailed json_exists json_extract json_insert json_keys
    json_length json_loose json_merge json_merge_patch json_merge_preserve json_objectagg
    json_overlaps json_pretty json_query json_quote json_remove json_replace json_search json_set
    json_table json_type json_unquote json_valid json_value member of columns path";

pub(super) static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::with(OWN));
