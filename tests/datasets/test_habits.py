"""Tables as people publish them: small files, each with the habit of a well-known data set or program."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from qiskit_qml_ext.datasets import load_dataset


@pytest.fixture
def read(tmp_path):
    def load(content, name="data.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_dataset(path, **options)

    return load


def said(data, *parts):
    """Whether one note has all the parts."""
    return any(all(part in note for part in parts) for note in data.notes)


def rows(*lines, times=1):
    return "\n".join(lines * times) + "\n"


def test_wine_quality_of_uci_has_quoted_names_and_semicolons(read):
    data = read(
        rows(
            '"fixed acidity";"volatile acidity";"pH";"quality"', "7.4;0.7;3.51;5", "7.8;0.88;3.2;5", "11.2;0.28;3.16;6"
        ),
        label="quality",
    )
    assert data.feature_names == ("fixed acidity", "volatile acidity", "pH")
    assert data.X[2].tolist() == [11.2, 0.28, 3.16]
    assert data.class_counts == {"5": 2, "6": 1}
    assert said(data, "separated by ';'")


def test_student_performance_of_uci_has_quoted_numbers_that_are_no_text(read):
    data = read(
        rows("school;age;absences;G1;G3", '"GP";18;6;"5";6', '"GP";17;4;"6";6', '"MS";15;10;"7";10'),
        label="G3", drop=["school"], task="regression",
    )  # fmt: skip
    assert data.X[:, 2].tolist() == [5, 6, 7]
    assert data.y.tolist() == [6, 6, 10]


HEART = rows(
    "63.0,1.0,145.0,0.0,6.0,0", "67.0,1.0,160.0,3.0,3.0,2", "67.0,1.0,120.0,2.0,7.0,1", "53.0,0.0,130.0,?,3.0,0"
)


def test_heart_disease_of_uci_has_no_header_and_question_marks(read):
    with pytest.raises(ValueError, match=r"looks like data \('63.0', '1.0'.*--no-header .*--label 6"):
        read(HEART, "processed.cleveland.data", label="num")
    data = read(HEART, "processed.cleveland.data", header=False, label="6")
    assert data.feature_names == ("1", "2", "3", "4", "5")
    assert np.isnan(data.X[3, 3])
    assert data.class_counts == {"0": 2, "1": 1, "2": 1}
    assert said(data, "'?' is read as a missing value", "'4'", "once")


def test_adult_census_has_blanks_behind_commas_and_question_marks(read):
    lines = rows(
        "age, fnlwgt, hours, income", "39, 77516, 40, <=50K", "50, 83311, ?, >50K", "38, 215646, 40, <=50K", times=1
    )
    data = read(lines, label="income")
    assert data.class_counts == {"<=50K": 2, ">50K": 1}
    assert np.isnan(data.X[1, 2])


def test_titanic_names_every_column_that_is_no_number_and_leaves_out_the_passenger(read):
    text = rows(
        "PassengerId,Survived,Pclass,Name,Sex,Age,Ticket,Fare,Cabin,Embarked",
        '1,0,3,"Braund, Mr. Owen Harris",male,22,A/5 21171,7.25,,S',
        '2,1,1,"Cumings, Mrs. John Bradley (Florence Briggs Thayer)",female,38,PC 17599,71.2833,C85,C',
        '3,1,3,"Heikkinen, Miss. Laina",female,26,113803,7.925,,S',
        '4,1,1,"Futrelle, Mrs. Jacques Heath (Lily May Peel)",female,35,113803,53.1,C123,S',
    )
    with pytest.raises(ValueError, match=r"'Sex'.*--drop Sex --drop Ticket --drop Embarked"):
        read(text, label="Survived")
    data = read(text, label="Survived", drop=["Sex", "Ticket", "Cabin", "Embarked"])
    assert data.feature_names == ("Pclass", "Age", "Fare")
    assert said(data, "'PassengerId' is left out", "named like")
    assert said(data, "'Name' is left out", "another text")


def test_sleep_health_has_a_class_called_none(read):
    text = rows(
        "Person ID,Age,Sleep Duration,Sleep Disorder", "1,27,6.1,None", "2,28,6.2,Sleep Apnea", "3,28,6.0,Insomnia"
    )
    data = read(text, label="Sleep Disorder")
    assert data.class_names == ("Insomnia", "None", "Sleep Apnea")
    assert data.feature_names == ("Age", "Sleep Duration")
    assert said(data, "'None' is a class", "--na-values None")
    with pytest.raises(ValueError, match=r"missing in 1 of 3 samples \(row 1\)"):
        read(text, label="Sleep Disorder", na_values=["None"])


def test_air_quality_of_uci_has_decimal_commas_empty_ends_and_a_number_for_missing(read):
    values = [f"{value / 10:.1f}".replace(".", ",") for value in range(12, 24)]
    lines = [f"10/03/2004;{hour}.00.00;{v};{1000 + 7 * hour};{hour % 2};;" for hour, v in enumerate(values)]
    lines += ["10/03/2004;12.00.00;-200;1090;1;;"] * 3 + [";;;;;;"] * 2
    text = rows("Date;Time;CO(GT);PT08.S1(CO);high;;", *lines)
    data = read(text, label="high", drop=["Date", "Time"])
    assert data.feature_names == ("CO(GT)", "PT08.S1(CO)")
    assert data.num_samples == 15
    assert data.X[0].tolist() == [1.2, 1000]
    assert said(data, "decimal commas")
    assert said(data, "2 rows", "without any value")
    assert said(data, "'CO(GT)'", "-200 3 times", "--na-values=-200")
    assert read(text, label="high", drop=["Date", "Time"], na_values=["-200"]).num_missing == 3


def test_index_of_pandas_and_row_names_of_r_are_left_out(read):
    frame = pd.DataFrame({"a": [0.5, 1.5, 0.7, 2.5], "b": [2.0, 1.1, 4.0, 0.3], "y": list("uvuv")})
    written = {
        "pandas": frame.to_csv(),
        "R write.csv": '"","a","b","y"\n"1",0.5,2,"u"\n"2",1.5,1.1,"v"\n"3",0.7,4,"u"\n"4",2.5,0.3,"v"\n',
        "R write.table": '"a" "b" "y"\n"1" 0.5 2 "u"\n"2" 1.5 1.1 "v"\n"3" 0.7 4 "u"\n"4" 2.5 0.3 "v"\n',
    }
    for text in written.values():
        data = read(text, label="y")
        assert data.feature_names == ("a", "b")
        assert np.array_equal(data.X, frame[["a", "b"]].to_numpy())
        assert said(data, "'Unnamed: 0' is left out", "--keep 'Unnamed: 0'")
    assert read(written["pandas"], label="y", keep=["Unnamed: 0"]).feature_names == ("Unnamed: 0", "a", "b")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_excel_exports_with_their_encodings_and_semicolons(read, encoding):
    text = "sep=;\r\nGröße;Gewicht;Urteil\r\n1,5;70,25;für\r\n1,75;80;gegen\r\n"
    data = read(text.encode(encoding), label="Urteil")
    assert data.feature_names == ("Größe", "Gewicht")
    assert data.X.tolist() == [[1.5, 70.25], [1.75, 80]]
    assert data.class_names == ("für", "gegen")
    if encoding in ("cp1252", "utf-16-le", "utf-16-be"):
        assert said(data, "--encoding")


def test_other_encodings_are_named_by_the_user(read):
    text = "身長,b,y\n1.5,2.5,はい\n1,2,いいえ\n".encode("shift_jis")
    with pytest.raises(ValueError, match=r"neither UTF-8 nor Windows-1252 .* --encoding"):
        read(text, label="y")
    assert read(text, label="y", encoding="shift_jis").class_names == ("いいえ", "はい")
    with pytest.raises(ValueError, match="no text encoding 'utf-99'"):
        read(text, label="y", encoding="utf-99")
    with pytest.raises(ValueError, match="not text in the encoding utf-8"):
        read(text, label="y", encoding="utf-8")


def test_breast_cancer_of_kaggle_has_an_id_and_an_empty_last_column(read):
    data = read(
        rows('"id","diagnosis","radius_mean",', "842302,M,17.99,", "842517,M,20.57,", "8510426,B,13.54,"),
        label="diagnosis",
    )
    assert data.feature_names == ("radius_mean",)
    assert said(data, "'id' is left out")


def test_pokemon_has_a_number_sign_for_a_name(read):
    data = read(
        rows("#,Name,HP,Legendary", "1,Bulbasaur,45,False", "2,Ivysaur,60,False", "144,Articuno,90,True"),
        label="Legendary",
    )
    assert data.feature_names == ("HP",)
    assert data.class_names == ("False", "True")


def test_numpy_writes_its_header_as_a_comment(read):
    data = read("# made by hand\n# a,b,y\n1.5,2.5,0\n2.5,3.5,1\n", label="y")
    assert data.feature_names == ("a", "b")
    assert said(data, "1 comment lines")


def test_auto_mpg_of_uci_is_aligned_with_blanks(read):
    text = 'mpg  cyl  disp   name\n18.0   8   307.0  "chevrolet malibu"\n15.0   8   350.0  "buick skylark"\n'
    assert read(text, "auto-mpg.data", label="name").class_names == ("buick skylark", "chevrolet malibu")


def test_titles_above_the_header_are_named(read):
    with pytest.raises(ValueError, match=r"Line 3 of data.csv has 3 cells, but the header names 1 .*above the header"):
        read("Report of 2020\n\na,b,y\n1,2,u\n3,4,v\n", label="y")


def test_pandas_numbers_for_names_and_wavelengths_are_a_header(read):
    assert read("0,1,2\n1.5,2.5,u\n2,3,v\n", label="2").feature_names == ("0", "1")
    assert read("400,402.5,y\n1.5,2.5,u\n2,3,v\n", label="y").feature_names == ("400", "402.5")
    assert read("1.5,2.5,7\n1.5,2.5,1\n2,3,2\n", label="7", header=True).feature_names == ("1.5", "2.5")


def test_compressed_files_are_read_and_damage_is_named(read):
    text = b"a,b,y\n1.5,2,u\n2.5,1,v\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inner.csv", text)
    assert read(gzip.compress(text), "data.csv.gz", label="y").X.tolist() == [[1.5, 2], [2.5, 1]]
    assert read(archive.getvalue(), "data.csv.zip", label="y").X.tolist() == [[1.5, 2], [2.5, 1]]
    with pytest.raises(ValueError, match="compressed, but damaged"):
        read(gzip.compress(text)[:-9], "data.csv.gz", label="y")
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("other.csv", text)
    with pytest.raises(ValueError, match=r"must hold one file, but holds 2 \('inner.csv', 'other.csv'\)"):
        read(archive.getvalue(), "data.csv.zip", label="y")


def test_line_ends_of_windows_and_old_macs_are_read(read):
    text = 'a,b,y\n1.5,2,"u\nw"\n2.5,1,v\n'
    for end in ("\n", "\r\n", "\r"):
        data = read(text.replace("\n", end), label="y")
        assert data.X.tolist() == [[1.5, 2], [2.5, 1]]
        assert data.num_samples == 2


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "is empty"),
        ("\ufeff\n \n", "is empty"),
        ("a,b,y\n", "has a header but no rows"),
        ("y\nu\nv\n", "no column besides the label 'y'.*--separator"),
        ("a,b,y\n1,2,u\n1,2,3,v\n", r"Line 3 of data.csv has 4 cells, .* names 3 .*in 1 of 2 rows.*quotation"),
        ("a,b,y\n1,2,u\n1,v\n", "Line 3 of data.csv has 2 cells"),
        ("a,b,y\n1,5,2,5,u\n2,5,3,5,v\n", r"has 5 cells.*decimal comma"),
        ('a,b,y\n1,"2,u\n3,4,v\n', "quotation mark that is not closed.*line 2"),
        ("a,b,y\n1,2,u\n3,\x00,v\n", "NUL character .line 3"),
        ("<!DOCTYPE html><html></html>", "web page.*raw file"),
        ('{"a": 1}', "JSON"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        ("@RELATION iris\n@DATA\n1", "ARFF"),
        (b"PAR1....", "Parquet file.*ending .parquet"),
        (b"\xd0\xcf\x11\xe0....", "Excel workbook"),
        ("a,a,y\n1,2,u\n3,4,v\n", r"2 columns called 'a' \(numbers 1, 2\).*--drop"),
        ("a;b,y;z\n1;2,u;v\n2;3,v;u\n", "may be separated by ',' or ';'. Say which with --separator"),
        ("a;b;y\n1,5;2.5;u\n2,5;3.5;v\n", "decimal commas in column 'a' and decimal points in column 'b'.*--decimal"),
        ('a,b,y\n"1,234",2,u\n"5,678",3,v\n', r"'a' of data.csv may have decimal commas or .*'1,234'.*--thousands ,"),
        ('a,b,y\n"1,234.5",2,u\n"5,678",3,v\n', "'a' of data.csv is not numeric.*--thousands"),
        ("a,b,y\n$1.5,2,u\n$2.5,3,v\n", r"'a' of data.csv is not numeric .*'\$1.5'\). Write numbers without"),
        ("a,b,y\n1.5,2,u\nlow,3,v\n2,2,u\n", r"'a' of data.csv .*'low' in row 2, line 3\).*--na-values low"),
        ("a,b,y\n2020-01-01,2,u\n2020-01-01,3,v\n", "'a' of data.csv holds dates.*'2020-01-01'.*days since.*--drop a"),
        ("a,b,y\n1e400,2,u\n3,3,v\n", "'a' of data.csv has 1e400 in row 1, line 2, beyond .* double.*--drop a"),
        ("a,b,y\n-inf,2,u\n3,3,v\n", r"Infinite values in column 'a' of data.csv \(-inf in row 1, line 2\)"),
        ("a,b,y\n1e200,2,u\n3,3,v\n", r"'a' of data.csv reaches 1e\+200, whose square"),
        ("a,b,y\n1e-200,2,u\n3e-200,3,v\n", "'a' of data.csv differ by 2e-200 only"),
        ("a,b,y\n100000000000000000,2,u\n100000000000000016,3,v\n", "less than double precision keeps apart"),
        ("a,y\n1.5,1\n2.5,NA\n0.5,2\n", r"'y' has numbers and 'NA' \(row 2, line 3\).*--na-values NA"),
        ("a,y\n1.5,u\n2.5,\n0.5,v\n", r"'y' is missing in 1 of 3 samples \(row 2\)"),
        ("a,word,y\n" + "1.5,low,0\n2.5,high,1\n" * 4, "Each of its values goes with one label"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_the_place_and_the_remedy(read, content, match):
    with pytest.raises(ValueError, match=match) as caught:
        read(content, label="y")
    assert "data.csv" in str(caught.value) or "label 'y'" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ('a,b,y\n"1,234",2,u\n"5,678",3,v\n', {"thousands": ","}, [1234, 5678]),
        ('a,b,y\n"1,234",2,u\n"5,678",3,v\n', {"decimal": ","}, [1.234, 5.678]),
        ("a;b;y\n1.234,5;2;u\n5.678;3;v\n", {"thousands": "."}, [1234.5, 5678]),
        ("a;b;y\n1 234,5;2;u\n5 678;3;v\n", {"thousands": " ", "decimal": ","}, [1234.5, 5678]),
        ("a,b,y\n1.5%,2,u\n2 %,3,v\n", {}, [1.5, 2]),
        ("a,b,y\nTRUE,2,u\nfalse,3,v\n", {}, [1, 0]),
        ("a,b,y\n\u22121.5,2,u\n+.5,3,v\n", {}, [-1.5, 0.5]),
        ("a::b::y\n".replace("::", "!") + "1!2!u\n3!4!v\n", {"separator": "!"}, [1, 3]),
        ("a\tb\ty\n1\t2\tu\n3\t4\tv\n", {"separator": "tab"}, [1, 3]),
        ("a,b,y\nx,2,u\n3,4,v\n", {"na_values": ["x"]}, [np.nan, 3]),
        ("a,b,y\n-999.0,2,u\n3,4,v\n", {"na_values": ["-999"]}, [np.nan, 3]),
        ("a,b,y\nnone,2,u\n3,4,v\nN/A,5,u\n", {}, [np.nan, 3, np.nan]),
        ("a,a,b,y\n1,2,7,u\n3,4,8,v\n", {"drop": ["a"]}, [7, 8]),
    ],
)
def test_ways_to_write_numbers_are_read_when_they_are_named(read, content, options, expected):
    assert np.array_equal(read(content, label="y", **options).X[:, 0], expected, equal_nan=True)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["N", "N ", "Y", " Y "], {"N": 2, "Y": 2}),
        (["None", "NA", "nan", "null"], {"NA": 1, "None": 1, "nan": 1, "null": 1}),
        (["01", "02", "01", "10"], {"01": 2, "02": 1, "10": 1}),
        (["0.0", "1.0", "1", "0"], {"0": 2, "1": 2}),
        (["True", "false", "TRUE", "False"], {"False": 2, "True": 2}),
        (["1", "2", "other", "1"], {"1": 2, "2": 1, "other": 1}),
        (["+", "-", "+", "-"], {"+": 2, "-": 2}),
        (["?", "yes", "?", "yes"], {"?": 2, "yes": 2}),
        (["1,5", "2", "1,5", "2"], {"1,5": 2, "2": 2}),
    ],
)
def test_labels_are_classes_as_they_are_written(read, labels, expected):
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5, 0.7], "y": labels})
    assert read(frame.to_csv(index=False), label="y").class_counts == expected


def test_blanks_and_capitals_in_labels_are_told(read):
    assert said(read("x,y\n1.5,u\n2.5,v \n", label="y"), "'v ' is read as 'v'")
    assert said(read("x,y\n1.5,Yes\n2.5,yes\n", label="y"), "'Yes' and 'yes'", "two classes")


def test_names_with_blanks_and_capitals_are_found_or_suggested(read):
    text = '"acid ", quality \n1.5,3\n2.5,5\n'
    assert read(text, label="quality").feature_names == ("acid",)
    assert read(text, label=" quality ").label_name == "quality"
    with pytest.raises(
        ValueError, match=r"no column 'Quality'\. Its columns are: 'acid', 'quality'. Did you mean 'quality'"
    ):
        read(text, label="Quality")


def test_whole_numbers_beyond_two_to_the_53_are_told(read):
    assert said(read("x,y\n9007199254740993,u\n3,v\n", label="y"), "rounds: 9007199254740993 to 9007199254740992")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"separator": "::"}, "separator must be one character"),
        ({"separator": "."}, "separator must be one character"),
        ({"decimal": "'"}, "decimal must be"),
        ({"thousands": "x"}, "thousands must be one of"),
        ({"thousands": ".", "decimal": "."}, "must differ"),
        ({"keep": ["zz"]}, "no column 'zz'"),
        ({"keep": ["x"], "drop": ["x"]}, "cannot be both kept and dropped"),
        ({"keep": ["y"]}, "is no feature"),
        ({"separator": ";"}, "Its columns are: 'x,z,y'.*name their separator"),
    ],
)
def test_options_that_cannot_apply_are_refused(read, options, match):
    with pytest.raises(ValueError, match=match):
        read("x,z,y\n1.5,2,u\n2.5,1,v\n", label="y", **options)


@pytest.mark.parametrize("option", ["separator", "decimal", "thousands", "encoding"])
def test_options_of_text_are_refused_where_there_is_none(tmp_path, option):
    value = {"separator": ";", "decimal": ",", "thousands": ".", "encoding": "utf-8"}[option]
    frame = pd.DataFrame({"x": [0.5, 1.5], "y": ["u", "v"]})
    frame.to_parquet(tmp_path / "data.parquet")
    for source in ("iris", frame, tmp_path / "data.parquet"):
        with pytest.raises(ValueError, match=f"{option} says how a file of text is written"):
            load_dataset(source, label=None if isinstance(source, str) else "y", **{option: value})
    for option_of_tables in ("keep", "na_values"):
        with pytest.raises(ValueError, match=f"{option_of_tables} concerns tables of your own"):
            load_dataset("iris", **{option_of_tables: ["x"]})


@pytest.mark.parametrize(
    "options",
    [{"drop": "sepal"}, {"keep": 3}, {"na_values": -999}, {"header": "yes"}, {"encoding": 8}, {"classes": "ab"}],
)
def test_options_of_a_wrong_kind_are_refused(read, options):
    with pytest.raises(TypeError, match=f"{next(iter(options))}.*{next(iter(options.values()))}"):
        read("x,y\n1.5,u\n2.5,v\n", label="y", **options)


def test_columns_and_markers_may_be_numbers(read):
    data = read("1.5,7,2,u\n2.5,-9,1,v\n0.5,8,0,v\n", label=4, header=False, drop=[3], na_values=[-9])
    assert data.feature_names == ("1", "2")
    assert np.isnan(data.X[1, 1])
