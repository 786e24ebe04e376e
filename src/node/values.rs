//! JavaScript values as the neutral ones that options are read from.

use crate::core::options::Value;
use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, Object, Unknown};
use napi::{JsValue, ValueType};

/// Options nest once or twice; deeper is a mistake, and a cycle must end.
const DEPTH: usize = 4;

/// The own enumerable properties of an object, undefined ones left out.
pub fn entries(object: &Object<'_>) -> napi::Result<Vec<(String, Value)>> {
    read_entries(object, 0)
}

fn read_entries(object: &Object<'_>, depth: usize) -> napi::Result<Vec<(String, Value)>> {
    let mut entries = Vec::new();
    for key in Object::keys(object)? {
        let value: Unknown<'_> = object.get_named_property_unchecked(&key)?;
        if value.get_type()? != ValueType::Undefined {
            entries.push((key, read(value, depth + 1)?));
        }
    }
    Ok(entries)
}

fn read(value: Unknown<'_>, depth: usize) -> napi::Result<Value> {
    let kind = value.get_type()?;
    Ok(match kind {
        ValueType::Null => Value::Null,
        ValueType::Boolean => Value::Bool(convert(value)?),
        ValueType::Number => Value::Number(convert(value)?),
        ValueType::String => Value::Text(convert(value)?),
        ValueType::Function => Value::Function,
        ValueType::Object if depth > DEPTH => Value::Other("a deeply nested object".into()),
        ValueType::Object if value.is_array()? => {
            let array: Array<'_> = convert(value)?;
            let mut list = Vec::new();
            for at in 0..array.len() {
                match array.get::<Unknown<'_>>(at)? {
                    Some(item) => list.push(read(item, depth + 1)?),
                    None => list.push(Value::Null),
                }
            }
            Value::List(list)
        }
        ValueType::Object => {
            let object: Object<'_> = convert(value)?;
            Value::Object(read_entries(&object, depth)?)
        }
        ValueType::Undefined => Value::Other("undefined".into()),
        other => Value::Other(format!("{other:?}").to_lowercase()),
    })
}

fn convert<T: FromNapiValue>(value: Unknown<'_>) -> napi::Result<T> {
    let raw = value.value();
    // SAFETY: environment and value come from a live `Unknown` of the running call; the conversion
    // checks the type itself.
    unsafe { T::from_napi_value(raw.env, raw.value) }
}
