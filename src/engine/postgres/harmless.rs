//! Which words may stand before a parenthesis in a read that changes nothing, wherever it runs: any
//! other may be a function of the application's, and those may write. What calls `nextval` is no
//! read, but may be an INSERT: is that stopped, its number is lost, as of any that fails.

use crate::engine::calls::Known;
use std::sync::LazyLock;

const OWN: &str = "
    array ilike similar some symmetric

    bit bpchar character timestamptz varbit

    bool_and bool_or btrim cardinality corr current_database current_schema date_bin date_part
    date_trunc decode every age gen_random_uuid generate_series initcap isfinite make_date
    make_interval make_time make_timestamp make_timestamptz mode overlay percentile_cont
    percentile_disc pg_backend_pid pg_typeof quote_ident quote_literal random regexp_match
    regexp_matches regexp_split_to_array regexp_split_to_table split_part starts_with string_agg
    string_to_array strpos timezone to_char to_date to_hex to_number to_timestamp translate trunc
    unnest width_bucket

    nextval

    array_agg array_append array_cat array_dims array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_to_json
    array_to_string array_upper json_agg json_array_elements json_array_elements_text
    json_array_length json_build_array json_build_object json_each json_each_text
    json_extract_path json_extract_path_text json_object_agg json_object_keys json_strip_nulls
    json_to_record json_to_recordset json_typeof jsonb_agg jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each
    jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object
    jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_path_query_array
    jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_to_record
    jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb phraseto_tsquery plainto_tsquery
    setweight to_tsquery to_tsvector ts_headline ts_rank ts_rank_cd websearch_to_tsquery";

pub(super) static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::with(OWN));
