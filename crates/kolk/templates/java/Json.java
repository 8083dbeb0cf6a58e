import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON: objects are maps, arrays lists, whole numbers Long and others BigDecimal. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Reads one value; throws IllegalArgumentException if the text is none. */
    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.blanks();
        if (json.at < text.length()) throw json.error("the end");
        return value;
    }

    private IllegalArgumentException error(String expected) {
        return new IllegalArgumentException("expected " + expected + " at " + at);
    }

    private void blanks() {
        while (at < text.length() && text.charAt(at) <= ' ') at++;
    }

    private boolean take(String token) {
        blanks();
        if (!text.startsWith(token, at)) return false;
        at += token.length();
        return true;
    }

    private void expect(String token) {
        if (!take(token)) throw error(token);
    }

    private Object value() {
        if (take("null")) return null;
        if (take("true")) return true;
        if (take("false")) return false;
        if (take("\"")) return string();
        if (take("{")) return object();
        if (take("[")) return array();
        return number();
    }

    private Map<String, Object> object() {
        Map<String, Object> object = new LinkedHashMap<>();
        if (take("}")) return object;
        do {
            expect("\"");
            String key = string();
            expect(":");
            object.put(key, value());
        } while (take(","));
        expect("}");
        return object;
    }

    private List<Object> array() {
        List<Object> array = new ArrayList<>();
        if (take("]")) return array;
        do {
            array.add(value());
        } while (take(","));
        expect("]");
        return array;
    }

    private Object number() {
        int begin = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) at++;
        String digits = text.substring(begin, at);
        if (digits.matches("-?\\d{1,18}")) return Long.valueOf(digits);
        if (digits.isEmpty()) throw error("a value");
        return new BigDecimal(digits);
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') return string.toString();
            if (c == '\\' && at < text.length()) c = escape(text.charAt(at++));
            string.append(c);
        }
        throw error("\"");
    }

    private char escape(char c) {
        if (c == 'u' && at + 4 <= text.length()) {
            at += 4;
            return (char) Integer.parseInt(text.substring(at - 4, at), 16);
        }
        int known = "bfnrt".indexOf(c);
        return known < 0 ? c : "\b\f\n\r\t".charAt(known);
    }

    /** Writes a value on one line. */
    static void write(StringBuilder out, Object value) {
        if (value instanceof String string) {
            quote(out, string);
        } else if (value instanceof Map<?, ?> object) {
            String before = "{";
            for (Map.Entry<?, ?> entry : object.entrySet()) {
                quote(out.append(before), entry.getKey().toString());
                write(out.append(':'), entry.getValue());
                before = ",";
            }
            out.append(object.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> array) {
            String before = "";
            out.append('[');
            for (Object item : array) {
                write(out.append(before), item);
                before = ",";
            }
            out.append(']');
        } else {
            out.append(value);
        }
    }

    private static void quote(StringBuilder out, String string) {
        out.append('"');
        for (char c : string.toCharArray()) {
            boolean isEscaped = c < ' ' || Character.isSurrogate(c);
            if (c == '"' || c == '\\') out.append('\\');
            out.append(isEscaped ? String.format("\\u%04x", (int) c) : c);
        }
        out.append('"');
    }
}
